import type { LabAnswer } from './lab-upstream.ts';
import { json } from './lab-forms.ts';

export type LabMediaKind = 'embedding' | 'rerank' | 'image' | 'transcription' | 'speech';

/** What is asked in the lab of each kind. */
export const labMediaInputs: Readonly<Record<LabMediaKind, object>> = {
  embedding: { input: ['Where is Paris?'] },
  rerank: { query: 'Where is Paris?', documents: ['In France.', 'In Texas.'] },
  image: { prompt: 'Paris at night' },
  transcription: { audio: 'UklGRg==', file_name: 'paris.wav' },
  speech: { text: 'Paris is in France.', voice: 'v', format: 'mp3' },
};

/** A good answer of each kind but speech, which is no JSON. */
export const labMediaAnswers: Readonly<Record<Exclude<LabMediaKind, 'speech'>, (usage: unknown) => object>> = {
  embedding: (usage) => ({
    data: [{ index: 0, embedding: [0.25, 0.5] }],
    model: 'lab',
    usage: { prompt_tokens: usage },
  }),
  rerank: (usage) => ({
    results: [
      { index: 1, relevance_score: 0.5 },
      { index: 0, relevance_score: 0.75 },
    ],
    usage: { total_tokens: usage },
  }),
  image: (usage) => ({
    data: [{ b64_json: Buffer.from('image').toString('base64') }],
    usage: { input_tokens: usage, output_tokens: 40 },
  }),
  transcription: (usage) => ({ text: 'Paris.', usage: { type: 'tokens', input_tokens: usage, output_tokens: 3 } }),
};

/** One thing that some provider did where no chat was asked for. */
export interface MediaOddity {
  readonly name: string;
  readonly kind: LabMediaKind;
  readonly answer: LabAnswer;
  /** Undefined: it succeeds. */
  readonly fails: string | undefined;
  /** Tokens of input to bill. */
  readonly input?: number | 'estimated';
}

const object = { 'content-type': 'application/json' };
const kinds = Object.keys(labMediaAnswers) as Exclude<LabMediaKind, 'speech'>[];

const counts: readonly (readonly [unknown, number | 'estimated'])[] = [
  [12, 12],
  [2.5, 3],
  ['12', 12],
  [-1, 'estimated'],
  [2 ** 32, 'estimated'],
  [5e9, 'estimated'],
  [2 ** 64, 'estimated'],
  ['@1e400@', 'estimated'],
  [{}, 'estimated'],
];

const usage: readonly MediaOddity[] = kinds.flatMap((kind) =>
  counts.map(([count, input]) => ({
    name: `${JSON.stringify(count)} tokens`,
    kind,
    answer: { headers: object, pieces: [json(labMediaAnswers[kind](count))] },
    fails: undefined,
    input,
  })),
);

const broken = (kind: LabMediaKind, name: string, body: unknown): MediaOddity => ({
  name,
  kind,
  answer: { headers: object, pieces: [json(body)] },
  fails: 'ProviderError',
});

/** Every oddity of the answers that are no chats. */
export const mediaOddities: readonly MediaOddity[] = [
  ...usage,
  ...kinds.flatMap((kind) => [
    broken(kind, 'nothing but null', null),
    broken(kind, 'a list', []),
    broken(kind, 'an error with status 200', { error: { message: 'busy', type: 'overloaded_error' } }),
  ]),
  broken('embedding', 'a vector that is null', { data: [{ index: 0, embedding: null }] }),
  broken('embedding', 'an entry that is null', { data: [null] }),
  broken('embedding', 'a number that is none', { data: [{ index: 0, embedding: ['0.5'] }] }),
  broken('embedding', 'a number that JavaScript cannot hold', { data: [{ index: 0, embedding: ['@1e400@'] }] }),
  broken('embedding', 'an index of two to the thirty-two', { data: [{ index: 2 ** 32, embedding: [0.5] }] }),
  broken('rerank', 'an index below zero', { results: [{ index: -1, relevance_score: 0.5 }] }),
  broken('rerank', 'an index of a document that is not there', { results: [{ index: 2, relevance_score: 0.5 }] }),
  broken('rerank', 'an entry that is null', { results: [null] }),
  broken('rerank', 'a score that is text', { results: [{ index: 0, relevance_score: 'high' }] }),
  broken('image', 'an entry that is null', { data: [null] }),
  broken('image', 'no images', { data: [] }),
  broken('transcription', 'text that is a number', { text: 7 }),
  broken('speech', 'JSON in place of sound', { error: 'busy' }),
  {
    name: 'sound without a content type',
    kind: 'speech',
    answer: { pieces: [Buffer.from('sound')] },
    fails: undefined,
  },
];
