import type { ServerResponse } from 'node:http';

/**
 * What an upstream of OpenAI's form (and Cohere's, for ranking) answers where no chat is asked for. Everything follows
 * from the request, so that a test can tell what must come out at the other end.
 */
export async function answerMedia(
  path: string,
  contentType: string,
  body: Buffer,
  response: ServerResponse,
): Promise<boolean> {
  const asked = contentType.startsWith('application/json')
    ? (JSON.parse(body.toString()) as Readonly<Record<string, unknown>>)
    : {};
  if (path.endsWith('/embeddings')) sendJson(response, embeddings(asked));
  else if (path.endsWith('/rerank')) sendJson(response, ranking(asked));
  else if (path.endsWith('/images/generations')) sendJson(response, image(asked));
  else if (path.endsWith('/audio/transcriptions')) sendJson(response, await transcript(contentType, body));
  else if (path.endsWith(':embedContent')) sendJson(response, { embedding: { values: googleVector(asked) } });
  else if (path.endsWith(':batchEmbedContents')) sendJson(response, googleVectors(asked));
  else if (path.endsWith('/audio/speech')) sendSound(response, asked);
  else return false;
  return true;
}

const tokens = { prompt_tokens: 5, total_tokens: 5 };

/** The first number is the text's length, the second a quarter, which 32 bits hold exactly. */
function embeddings({ input, dimensions }: Readonly<Record<string, unknown>>): object {
  const size = typeof dimensions === 'number' ? dimensions : 3;
  const vector = (text: string): number[] =>
    Array.from({ length: size }, (_, at) => (at === 0 ? text.length : at === 1 ? 0.25 : 0));
  // Not in order: the index counts.
  const data = (input as string[]).map((text, index) => ({ object: 'embedding', index, embedding: vector(text) }));
  return { object: 'list', data: data.reverse(), model: 'upstream', usage: tokens };
}

type Asked = Readonly<Record<string, unknown>>;

/** The same in Gemini's form: a request for each text. */
const googleVectors = ({ requests }: Asked): object => ({
  embeddings: (requests as readonly Asked[]).map((request) => ({ values: googleVector(request) })),
});

function googleVector({ content, outputDimensionality: size }: Asked): number[] {
  const { parts } = content as { readonly parts: readonly { readonly text: string }[] };
  const length = parts[0]?.text.length ?? 0;
  return Array.from({ length: typeof size === 'number' ? size : 3 }, (_, at) =>
    at === 0 ? length : at === 1 ? 0.25 : 0,
  );
}

/** Longer documents rank higher. */
function ranking({ documents, top_n: top }: Readonly<Record<string, unknown>>): object {
  const results = (documents as string[])
    .map((text, index) => ({ index, relevance_score: text.length / 100 }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, typeof top === 'number' ? top : undefined);
  return { id: 'rerank-upstream', results };
}

const image = ({ prompt }: Readonly<Record<string, unknown>>): object => ({
  created: 1_800_000_000,
  data: [{ b64_json: Buffer.from(`image of ${String(prompt)}`).toString('base64') }],
});

/** Says what it was given: name, size, language. */
async function transcript(contentType: string, body: Buffer): Promise<object> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  const file = form.get('file') as File;
  return {
    text: `${file.name} of ${file.size} bytes in ${String(form.get('language'))} for ${String(form.get('model'))}`,
  };
}

/** As many bytes as the text says after `bytes `, else the text itself. */
function sendSound(
  response: ServerResponse,
  { input, response_format: format }: Readonly<Record<string, unknown>>,
): void {
  const wanted = /^bytes (\d+)$/.exec(String(input))?.[1];
  const sound = wanted === undefined ? Buffer.from(`sound of ${String(input)}`) : Buffer.alloc(Number(wanted), 7);
  response.writeHead(200, { 'content-type': `audio/${String(format)}`, 'content-length': sound.length });
  response.end(sound);
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
