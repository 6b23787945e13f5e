import { expect, test } from 'vitest';
import { type MediaRequest, mediaRequest } from './media-request.ts';

async function requestFor(kind: string, input: object, attachment?: { field: string; content: Uint8Array }) {
  return mediaRequest(kind, Buffer.from(JSON.stringify(input)), 'm', attachment);
}
async function mustRequest(kind: string, input: object): Promise<MediaRequest> {
  const request = await requestFor(kind, input);
  if (!request) throw new Error(`no input of ${kind}`);
  return request;
}
const bodyOf = ({ body }: MediaRequest): unknown => JSON.parse(String(body));
const read = async (kind: string, input: object, body: unknown, type = 'application/json') =>
  (await mustRequest(kind, input)).read(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), type);

test('each kind has its path and its body, and counts the text in it', async () => {
  const embedding = await mustRequest('embedding', { input: ['ab', 'c'], dimensions: 2 });
  expect(embedding).toMatchObject({ path: '/embeddings', contentType: 'application/json', textChars: 3 });
  expect(bodyOf(embedding)).toEqual({ model: 'm', input: ['ab', 'c'], encoding_format: 'float', dimensions: 2 });
  expect((await mustRequest('embedding', { input: [[1, 2], [3]] })).textChars).toBe(12);
  const rerank = await mustRequest('rerank', { query: 'ab', documents: ['c', 'def'], top_n: 1 });
  expect(rerank).toMatchObject({ path: '/rerank', textChars: 6 });
  expect(bodyOf(rerank)).toEqual({
    model: 'm',
    query: 'ab',
    documents: ['c', 'def'],
    top_n: 1,
    return_documents: false,
  });
  const speech = await mustRequest('speech', { text: 'abc', voice: 'v', format: 'mp3', speed: 2, instructions: 'de' });
  expect(speech).toMatchObject({ path: '/audio/speech', textChars: 5 });
  expect(bodyOf(speech)).toEqual({
    model: 'm',
    input: 'abc',
    voice: 'v',
    response_format: 'mp3',
    speed: 2,
    instructions: 'de',
  });
  const image = await mustRequest('image', { prompt: 'abcd', size: '64x64', quality: 'low' });
  expect(image).toMatchObject({ path: '/images/generations', textChars: 4 });
  expect(bodyOf(image)).toEqual({
    model: 'm',
    prompt: 'abcd',
    n: 1,
    size: '64x64',
    quality: 'low',
    response_format: 'b64_json',
  });
});

test('a recording is sent as a form with all that is said of it', async () => {
  const said = {
    language: 'de',
    prompt: 'abc',
    temperature: 0.5,
    format: 'verbose_json',
    timestamps: ['word', 'segment'],
  };
  const request = await mustRequest('transcription', {
    audio: 'QUJD',
    file_name: 'a.wav',
    media_type: 'audio/wav',
    ...said,
  });
  expect(request).toMatchObject({ path: '/audio/transcriptions', textChars: 3 });
  const form = await new Response(request.body as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': request.contentType },
  }).formData();
  const file = form.get('file') as File;
  expect([file.name, file.type, await file.text()]).toEqual(['a.wav', 'audio/wav', 'ABC']);
  expect(['model', 'response_format', 'language', 'prompt', 'temperature'].map((name) => form.get(name))).toEqual([
    'm',
    'verbose_json',
    'de',
    'abc',
    '0.5',
  ]);
  expect(form.getAll('timestamp_granularities[]')).toEqual(['word', 'segment']);
  const plain = await mustRequest('transcription', { audio: 'QUJD', file_name: 'a', into_english: true });
  expect(plain).toMatchObject({ path: '/audio/translations', textChars: 0 });
});

test('a recording of which nothing is said is sent with nothing but its model', async () => {
  const request = await mustRequest('transcription', { audio: 'QUJD', file_name: 'a' });
  const type = { headers: { 'content-type': request.contentType } };
  const form = await new Response(request.body as Uint8Array<ArrayBuffer>, type).formData();
  expect([...form.keys()]).toEqual(['file', 'model', 'response_format']);
  expect(form.get('response_format')).toBe('json');
  expect((form.get('file') as File).type).toBe('application/octet-stream');
});

test('what was made is read as what it is, and counted', async () => {
  const speech = { text: 'a', voice: 'v', format: 'opus' };
  expect(await read('speech', speech, 'sound', 'audio/ogg')).toStrictEqual({
    content: { data: Buffer.from('sound'), dataType: 'audio/ogg' },
    usage: undefined,
  });
  expect((await read('speech', speech, 'sound', ''))?.content.dataType).toBe('audio/opus');
  expect(await read('speech', speech, '', 'audio/ogg')).toBeUndefined();
  const recording = { audio: 'QUJD', file_name: 'a' };
  expect(await read('transcription', { ...recording, format: 'srt' }, ' \n', 'text/plain')).toBeUndefined();
  expect(await read('transcription', recording, { text: 'said', usage: null })).toStrictEqual({
    content: { text: 'said' },
    usage: undefined,
    outputChars: 4,
  });
  const verbose = { text: 'said', words: [] };
  expect(await read('transcription', { ...recording, format: 'verbose_json' }, verbose)).toMatchObject({
    content: { text: JSON.stringify(verbose) },
    outputChars: 4,
  });
  for (const format of ['srt', 'vtt'])
    expect(await read('transcription', { ...recording, format }, 'WEBVTT', 'text/plain')).toStrictEqual({
      content: { text: 'WEBVTT' },
      usage: undefined,
      outputChars: 6,
    });
  const images = { data: [{ b64_json: 'QUJD' }, { b64_json: 'QQ==' }] };
  expect(await read('image', { prompt: 'p' }, { ...images, output_format: 'webp' })).toStrictEqual({
    content: { text: '{"sizes":[3,1]}', data: Buffer.from('ABCA'), dataType: 'image/webp' },
    usage: undefined,
    images: 2,
  });
  expect((await read('image', { prompt: 'p' }, images))?.content.dataType).toBe('image/png');
});

test('vectors whose index is stated stand there, and the others behind those before them', async () => {
  const data = [{ index: 1, embedding: [2] }, { index: 0, embedding: [1] }, { embedding: [3] }];
  const content = (await read('embedding', { input: ['a', 'b', 'c'] }, { data }))?.content;
  expect(content).toMatchObject({ text: '{"count":3,"dimensions":1}', dataType: 'application/x-float32' });
  expect(Buffer.from(content?.data ?? []).equals(Buffer.from(new Float32Array([1, 2, 3]).buffer))).toBe(true);
});

test('a kind that nobody knows, and an input that is none, have no request', async () => {
  expect(await requestFor('hologram', {})).toBeUndefined();
  expect(await requestFor('toString', {})).toBeUndefined();
  expect(await mediaRequest('speech', new Uint8Array([0xff]), 'm')).toBeUndefined();
  const audio = { field: 'audio', content: Buffer.from('XYZ') };
  for (const input of ['null', '7', '{'])
    expect(await mediaRequest('transcription', Buffer.from(input), 'm', audio)).toBeUndefined();
});

test('a recording may come beside its input, and then not in it too', async () => {
  const audio = { field: 'audio', content: Buffer.from('XYZ') };
  const beside = await requestFor('transcription', { file_name: 'a' }, audio);
  expect(String(Buffer.from(beside?.body as Uint8Array))).toContain('XYZ');
  expect(await requestFor('transcription', { file_name: 'a', audio: 'QUJD' }, audio)).toBeUndefined();
  expect(await requestFor('transcription', { file_name: 'a' }, { ...audio, field: 'image' })).toBeUndefined();
});

const embedding = { input: ['a', 'b'] };
const rerank = { query: 'q', documents: ['a', 'b'] };
test.each<[string, string, object, unknown]>([
  ['no vectors', 'embedding', embedding, {}],
  ['an entry that is none', 'embedding', embedding, { data: [null, { embedding: [1] }] }],
  [
    'two vectors for one text',
    'embedding',
    embedding,
    {
      data: [
        { index: 0, embedding: [1] },
        { index: 1, embedding: [1] },
        { index: 1, embedding: [2] },
      ],
    },
  ],
  ['a vector that is none', 'embedding', embedding, { data: [{ embedding: 'x' }, { embedding: [1] }] }],
  ['too many vectors', 'embedding', embedding, { data: [{ embedding: [1] }, { embedding: [1] }, { embedding: [1] }] }],
  ['no results', 'rerank', rerank, {}],
  ['a score that is none', 'rerank', rerank, { results: [{ index: 0, relevance_score: 'x' }] }],
  ['an index below all', 'rerank', rerank, { results: [{ index: -1, relevance_score: 1 }] }],
  ['no transcript', 'transcription', { audio: 'QUJD', file_name: 'a' }, {}],
  ['no object', 'transcription', { audio: 'QUJD', file_name: 'a' }, '7'],
  ['no images', 'image', { prompt: 'p' }, { data: [] }],
  ['an empty image', 'image', { prompt: 'p' }, { data: [{ b64_json: '' }] }],
  ['one image that is none', 'image', { prompt: 'p' }, { data: [{ b64_json: 'QUJD' }, {}] }],
  ['an image that is an object', 'image', { prompt: 'p' }, { data: [{ b64_json: {} }] }],
  ['an image that is null', 'image', { prompt: 'p' }, { data: [null] }],
  ['images that are no list', 'image', { prompt: 'p' }, { data: 'QUJD' }],
  ['null', 'image', { prompt: 'p' }, 'null'],
  ['null', 'embedding', embedding, 'null'],
  ['an index below all', 'embedding', embedding, { data: [{ index: -1, embedding: [1] }, { embedding: [1] }] }],
  ['an index beyond all', 'embedding', embedding, { data: [{ index: 2, embedding: [1] }, { embedding: [1] }] }],
  ['a number that is infinite', 'embedding', embedding, '{"data":[{"embedding":[1]},{"embedding":[1e999]}]}'],
  ['null', 'rerank', rerank, 'null'],
  ['null', 'transcription', { audio: 'QUJD', file_name: 'a' }, 'null'],
  ['results that are no list', 'rerank', rerank, { results: {} }],
  ['an entry that is null', 'rerank', rerank, { results: [null] }],
  ['an index that is none', 'rerank', rerank, { results: [{ index: 0.5, relevance_score: 1 }] }],
  ['an index that is missing', 'rerank', rerank, { results: [{ relevance_score: 1 }] }],
  ['an index beyond all', 'rerank', rerank, { results: [{ index: 2, relevance_score: 1 }] }],
  ['one score that is none', 'rerank', rerank, { results: [{ index: 0, relevance_score: 1 }, { index: 1 }] }],
  ['a text that is none', 'transcription', { audio: 'QUJD', file_name: 'a' }, { text: 7 }],
  ['blank lines', 'transcription', { audio: 'QUJD', file_name: 'a', format: 'srt' }, ' \n'],
  ['JSON', 'transcription', { audio: 'QUJD', file_name: 'a', format: 'vtt' }, { error: 'no' }],
  ['no sound', 'speech', { text: 'a', voice: 'v', format: 'mp3' }, ''],
])('%s is no answer', async (_what, kind, input, body) => {
  expect(await read(kind, input, body)).toBeUndefined();
});

test('vectors without an index stand as they come, a ranking begins with the best', async () => {
  expect(await read('embedding', embedding, { data: [{ embedding: [1] }, { embedding: [2] }] })).toMatchObject({
    content: { text: '{"count":2,"dimensions":1}' },
    usage: undefined,
  });
  const results = [
    { index: 0, relevance_score: 0.1 },
    { index: 1, relevance_score: 0.9 },
  ];
  expect((await read('rerank', rerank, { results }))?.content.text).toBe(
    '[{"index":1,"score":0.9},{"index":0,"score":0.1}]',
  );
});

test('usage is counted under either of two names; seconds are no tokens', async () => {
  const usageOf = async (usage: object) =>
    (await read('transcription', { audio: 'QUJD', file_name: 'a' }, { text: 'x', usage }))?.usage;
  expect(await usageOf({ prompt_tokens: 1, completion_tokens: 2 })).toMatchObject({ input: [1], output: [2] });
  expect(await usageOf({ input_tokens: 1, output_tokens: 2, input_token_details: { audio_tokens: 3 } })).toMatchObject({
    input: [1],
    output: [2],
    audioInput: 3,
  });
  expect(await usageOf({ total_tokens: 5 })).toMatchObject({ input: [5], output: [0] });
  expect(await usageOf({ seconds: 5 })).toBeUndefined();
  expect(await usageOf({ prompt_tokens: null, output_tokens: 2 })).toBeUndefined();
  const details = { cached_tokens: 3, audio_tokens: 4, image_tokens: 5 };
  const all = { cachedInput: 3, audioInput: 4, imageInput: 5, audioOutput: 4, imageOutput: 5 };
  const counts = { input_tokens: 1, output_tokens: 2, total_tokens: 3 };
  expect(await usageOf({ ...counts, input_token_details: details, output_token_details: details })).toEqual({
    input: [1],
    output: [2],
    ...all,
  });
  expect(await usageOf({ ...counts, input_tokens_details: details, output_tokens_details: details })).toMatchObject(
    all,
  );
  expect((await read('rerank', rerank, { results: [], usage: counts }))?.usage).toMatchObject({ input: [1] });
  expect((await read('image', { prompt: 'p' }, { data: [{ b64_json: 'QUJD' }], usage: counts }))?.usage).toMatchObject({
    output: [2],
  });
});
