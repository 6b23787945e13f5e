import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  areTexts,
  defaultTypeOf,
  imagesIn,
  isTaskKind,
  piecesOf,
  readTaskInput,
  type TaskKind,
  vectorBytes,
  vectorOf,
  vectorsToBytes,
} from './task-kinds.ts';

const good: readonly (readonly [TaskKind, object])[] = [
  ['embedding', { input: ['a'], dimensions: 3 }],
  ['transcription', { audio: 'AAAA', file_name: 'a.wav', language: 'nb', temperature: 0.5 }],
  ['speech', { text: 'a', voice: 'v', format: 'mp3', speed: 1.5 }],
  ['rerank', { query: 'q', documents: ['', 'b'], top_n: 1 }],
  ['image', { prompt: 'p', size: '256x256' }],
];

test.each(good)(
  'an input of kind %s is read as it stands, and refused with a field too many or one too few',
  (kind, input) => {
    expect(readTaskInput(kind, input)).toEqual(input);
    expect(readTaskInput(kind, { ...input, more: 1 })).toBeUndefined();
    const [first = ''] = Object.keys(input);
    expect(readTaskInput(kind, { ...input, [first]: undefined })).toBeUndefined();
    for (const none of [null, 'text', 7, []]) expect(readTaskInput(kind, none)).toBeUndefined();
  },
);

test.each([
  ['embedding', { input: [] }],
  ['embedding', { input: ['a', 1] }],
  ['embedding', { input: ['a'], dimensions: 0 }],
  ['transcription', { audio: 'not base64!', file_name: 'a' }],
  ['speech', { text: 'a', voice: 'v', format: 'midi' }],
  ['speech', { text: 'a', voice: 'v', format: 'mp3', speed: 9 }],
  ['image', { prompt: 'p', size: 'large' }],
] as const)('%s refuses %j', (kind, input) => {
  expect(readTaskInput(kind, input)).toBeUndefined();
});

test('vectors come out of their bytes as they went in, to 32 bits', () => {
  const float = fc.float({ noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(float),
      (size, count, stream) => {
        const vectors = Array.from({ length: count }, () => [...stream.take(size)]);
        expect(vectorBytes(vectorsToBytes(vectors), size).map(vectorOf)).toEqual(vectors);
      },
    ),
  );
});

const kinds: readonly TaskKind[] = ['embedding', 'transcription', 'speech', 'rerank', 'image'];
const least: Readonly<Record<TaskKind, object>> = {
  embedding: { input: ['a'] },
  transcription: { audio: 'AAAA', file_name: 'a.wav' },
  speech: { text: 'a', voice: 'v', format: 'mp3' },
  rerank: { query: 'q', documents: ['d'] },
  image: { prompt: 'p' },
};
const ids = (count: number): number[] => Array.from({ length: count }, () => 0);
const texts = (count: number): string[] => Array.from({ length: count }, () => 'a');

/** Of each field values that are taken, and values that are not. */
const fields: readonly (readonly [TaskKind, string, readonly unknown[], readonly unknown[]])[] = [
  [
    'embedding',
    'input',
    [texts(2_048), [[0]], [[7, 0], [1]], [ids(100_000)], Array.from({ length: 2_048 }, () => [1])],
    [
      'a',
      [],
      [''],
      ['a', [1]],
      [[]],
      [[-1]],
      [[0.5]],
      [['1']],
      texts(2_049),
      [ids(100_001)],
      Array.from({ length: 2_049 }, () => [1]),
      { length: 1, every: () => true },
      undefined,
    ],
  ],
  ['embedding', 'dimensions', [1, 3_072, undefined], [0, -1, 1.5, '3', null, Number.NaN, 2 ** 53]],
  ['transcription', 'audio', ['AA==', 'Ab0+/A='], ['', 'A A', '=', 'AAA===', 'AA=A', 'A\n', ' AAAA', 5, undefined]],
  ['transcription', 'file_name', ['x'], ['', 5, undefined]],
  ['transcription', 'media_type', ['', 'audio/wav', undefined], [5, null]],
  ['transcription', 'language', ['', 'nb', undefined], [5]],
  ['transcription', 'prompt', ['', 'x', undefined], [5]],
  ['transcription', 'temperature', [0, 1, 0.5, undefined], [-0.1, 1.1, '0', Number.NaN]],
  ['transcription', 'format', ['verbose_json', 'srt', 'vtt', undefined], ['text', 'xsrt', 'srtx', '', 5]],
  [
    'transcription',
    'timestamps',
    [['word'], ['segment', 'word'], undefined],
    [[], ['words'], ['xword'], ['word', 'word', 'word'], 'word'],
  ],
  ['transcription', 'into_english', [true, undefined], [false, 'true', 1]],
  ['speech', 'text', ['x'], ['', 5, undefined]],
  ['speech', 'voice', ['x'], ['', 5, undefined]],
  ['speech', 'format', ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'], ['midi', 'xmp3', 'mp3x', '', undefined, ['mp3']]],
  ['speech', 'speed', [0.25, 4, 1, undefined], [0.24, 4.1, '1']],
  ['speech', 'instructions', ['', 'x', undefined], [5]],
  ['rerank', 'query', ['x'], ['', 5, undefined]],
  ['rerank', 'documents', [[''], texts(1_000)], [[], texts(1_001), [5], 'a', undefined]],
  ['rerank', 'top_n', [1, 5, undefined], [0, 1.5, '1']],
  ['image', 'prompt', ['x'], ['', 5, undefined]],
  ['image', 'n', [1, 10, undefined], [0, 11, 1.5, '1']],
  [
    'image',
    'size',
    ['auto', '10x10', '99999x99999', undefined],
    ['1x10', '10x1', '100000x10', '10x100000', 'x', 'autox', 'xauto', '', '10x10x', 'x10x10'],
  ],
  ['image', 'quality', ['', 'hd', undefined], [5]],
];

test.each(fields)('%s takes for %s what is allowed, and nothing else', (kind, field, taken, refused) => {
  const isTaken = (value: unknown): boolean => readTaskInput(kind, { ...least[kind], [field]: value }) !== undefined;
  expect(taken.map(isTaken)).toEqual(taken.map(() => true));
  expect(refused.map(isTaken)).toEqual(refused.map(() => false));
});

test('each field of each kind is among those that are checked here', () => {
  expect(kinds.map((kind) => fields.filter(([of]) => of === kind).length)).toEqual([2, 9, 5, 3, 4]);
  for (const kind of kinds) expect([kind, readTaskInput(kind, least[kind])]).toEqual([kind, least[kind]]);
});

test('kinds are known by their names alone, and each has a task type that is meant', () => {
  expect(kinds.map(isTaskKind)).toEqual(kinds.map(() => true));
  expect(['chat', 'toString', '__proto__', ''].map(isTaskKind)).toEqual([false, false, false, false]);
  expect(kinds.map((kind) => defaultTypeOf[kind])).toEqual([
    'embedding',
    'transcription',
    'speech',
    'rerank',
    'image_gen',
  ]);
  expect([areTexts(['a']), areTexts([[1]])]).toEqual([true, false]);
});

test('vectors travel as 32-bit floats, the low byte first', () => {
  expect([...vectorsToBytes([[1], [-2]])]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  expect([vectorsToBytes([]).length, vectorsToBytes([[1, 2]]).length]).toEqual([0, 8]);
  const bytes = new Uint8Array(20).map((_, n) => n);
  expect(vectorBytes(bytes, 2).map((one) => [...one])).toEqual([
    [0, 1, 2, 3, 4, 5, 6, 7],
    [8, 9, 10, 11, 12, 13, 14, 15],
  ]);
  expect(vectorBytes(bytes, 0)).toEqual([]);
  expect(vectorOf(vectorsToBytes([[7], [1.5]]).subarray(4, 8))).toEqual([1.5]);
});

test('pieces are told apart by their sizes, which must fit the data', () => {
  const data = new Uint8Array([1, 2, 3]);
  const split = (...sizes: readonly number[]): number[][] => piecesOf(data, sizes).map((piece) => [...piece]);
  expect([split(1, 2), split(0, 3), split(3), split(1, 1), split(2, 2), split()]).toEqual([
    [[1], [2, 3]],
    [[], [1, 2, 3]],
    [[1, 2, 3]],
    [],
    [],
    [],
  ]);
});

test('images are told apart by the sizes in the text, and are one without them', () => {
  const data = new Uint8Array([1, 2, 3]);
  const found = (text: string): number[][] => imagesIn(text, data).map((image) => [...image]);
  expect(found('{"sizes":[1,2]}')).toEqual([[1], [2, 3]]);
  expect(found('{"sizes":[3]}')).toEqual([[1, 2, 3]]);
  expect(found('{"sizes":[10]}')).toEqual([]);
  for (const text of ['', '{"sizes":[]}', '{"sizes":[1,]}', ' {"sizes":[1,2]}', '{"sizes":[1,2]} ', '{"sizes":[1;2]}'])
    expect([text, found(text)]).toEqual([text, [[1, 2, 3]]]);
});
