import { json, type LabContent, type LabForm, labForms } from './lab-forms.ts';
import type { LabAnswer } from './lab-upstream.ts';
import { labMediaAnswers, type LabMediaKind } from './media-oddities.ts';

/** An answer that was good before something happened to it. */
export interface Mutation {
  /** Of chats; undefined: `kind` says what it is. */
  readonly form: LabForm | undefined;
  readonly kind: LabMediaKind | 'chat';
  readonly stream: boolean;
  readonly answer: LabAnswer;
  /** What it says, where nothing was done that could change that. */
  readonly unchanged: LabContent | undefined;
}

/** The same numbers for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Draw = () => number;
const below = (draw: Draw, count: number): number => Math.floor(draw() * count);
const one = <T>(draw: Draw, from: readonly T[]): T => from[below(draw, from.length)] as T;

const contents: readonly ((form: LabForm) => LabContent)[] = [
  ({ words }) => ({ text: ['Paris ', 'is in ', 'France 🙂.'], finish: words.stop, usage: [12, 9] }),
  ({ words }) => ({ text: ['Paris.'], reasoning: 'Where?', finish: words.length, usage: [12, 9] }),
  ({ words }) => ({
    text: ['Looking.'],
    calls: [
      { id: 'call_a', name: 'get_weather', input: { city: 'Paris', days: [1, 2] } },
      { id: 'call_b', name: 'get_time', input: {} },
    ],
    finish: words.toolCalls,
    usage: [12, 9],
  }),
];

const extremes: readonly unknown[] = [
  -1,
  0,
  2.5,
  '@1e400@',
  '@-1e400@',
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 64,
  '@18446744073709551615@',
  5e9,
  '7',
  -0.5,
  1e-9,
];
const others: readonly unknown[] = [null, '', 'text', 0, true, [], {}, [null], { type: 'text' }, '\ud83d', '\u0000'];

/** Mutation `n` of a seed: the same each time. */
export function mutationOf(seed: number, n: number): Mutation {
  const draw = random(seed * 1_000_003 + n);
  return draw() < 0.15 ? mutatedMedia(draw) : mutatedChat(draw);
}

function mutatedMedia(draw: Draw): Mutation {
  const kind = one(draw, Object.keys(labMediaAnswers) as (keyof typeof labMediaAnswers)[]);
  const body = structuredClone(labMediaAnswers[kind](12));
  changeTimes(draw, [body]);
  const pieces = broken(draw, [json(body)]);
  return { form: undefined, kind, stream: false, answer: sent(draw, pieces, false), unchanged: undefined };
}

function mutatedChat(draw: Draw): Mutation {
  const form = one(draw, labForms);
  const content = one(draw, contents)(form);
  const stream = draw() < 0.7;
  const events = structuredClone(stream ? form.events(content) : [form.whole(content)]) as object[];
  const isHarmless = draw() < 0.2;
  if (!isHarmless) changeTimes(draw, events);
  if (!isHarmless && stream) shuffleTimes(draw, events);
  const pieces = stream ? [...events.map((event) => form.frame(event)), form.marker] : events.map(json);
  const whole = pieces.filter((piece) => piece !== '');
  const kept = isHarmless ? split(draw, whole) : broken(draw, whole);
  return {
    form,
    kind: 'chat',
    stream,
    answer: sent(draw, kept, isHarmless),
    unchanged: isHarmless ? content : undefined,
  };
}

/** Fields that are dropped, of another type, or extreme. */
function changeTimes(draw: Draw, values: object[]): void {
  for (let left = below(draw, 3) + (draw() < 0.9 ? 1 : 0); left > 0; left -= 1) change(draw, values);
}

function change(draw: Draw, values: object[]): void {
  const places = placesIn(values);
  if (places.length === 0) return;
  const numbers = places.filter(([owner, key]) => typeof owner[key] === 'number');
  const [owner, key] = one(draw, draw() < 0.4 && numbers.length > 0 ? numbers : places);
  const how = draw();
  if (how < 0.35) delete owner[key];
  else if (how < 0.65 || typeof owner[key] === 'number') owner[key] = structuredClone(one(draw, extremes));
  // A copy: what was put elsewhere may be changed as well, and must not come to hold itself.
  else owner[key] = structuredClone(one(draw, others));
}

type Owner = Record<string, unknown>;

function placesIn(value: unknown): (readonly [owner: Owner, key: string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[value as Owner, key] as const, ...placesIn(inner)]);
}

/** Events that are dropped, doubled, or out of order. */
function shuffleTimes(draw: Draw, events: object[]): void {
  if (draw() < 0.6 || events.length < 2) return;
  const at = below(draw, events.length);
  const how = draw();
  if (how < 0.4) events.splice(at, 1);
  else if (how < 0.7) events.splice(at, 0, structuredClone(events[at] as object));
  else events.push(...events.splice(at, 1));
}

/** Bytes that are cut off, changed or put elsewhere, and chunks that end anywhere. */
function broken(draw: Draw, pieces: readonly string[]): Uint8Array[] {
  const how = draw();
  let bytes = Buffer.from(pieces.join(''));
  if (how < 0.15) bytes = bytes.subarray(0, below(draw, bytes.length + 1));
  else if (how < 0.25 && bytes.length > 0) bytes[below(draw, bytes.length)] = below(draw, 256);
  else if (how < 0.3) bytes = bytes.subarray(below(draw, bytes.length + 1));
  return cut(draw, bytes);
}

const split = (draw: Draw, pieces: readonly string[]): Uint8Array[] => cut(draw, Buffer.from(pieces.join('')));

function cut(draw: Draw, bytes: Buffer): Uint8Array[] {
  const ends = Array.from({ length: below(draw, 8) }, () => below(draw, bytes.length + 1));
  const at = [0, ...ends.sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end));
}

const types = ['text/event-stream', 'application/json', 'Text/Event-Stream; charset=utf-8', 'text/plain', ''];

function sent(draw: Draw, pieces: readonly Uint8Array[], isHarmless: boolean): LabAnswer {
  const type = one(draw, types);
  const how = draw();
  return {
    ...(type !== '' && { headers: { 'content-type': type } }),
    pieces,
    afterwards: isHarmless || how < 0.9 ? 'ends' : how < 0.97 ? 'breaks' : 'stays open',
  };
}
