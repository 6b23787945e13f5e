import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSnapshot, type AnyDocument, type Goal, type RankMode, type Snapshot } from '@will/core';

/** Numbers between 0 and 1 out of a seed, the same every time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws a logarithmically normal value by its median and 95th percentile. */
export function logNormal(draw: () => number, median: number, p95: number): number {
  const sigma = Math.log(p95 / median) / 1.645;
  const normal = Math.sqrt(-2 * Math.log(Math.max(1e-12, draw()))) * Math.cos(2 * Math.PI * draw());
  return median * Math.exp(sigma * normal);
}

/** A place where one and the same kind of model is called. Times as published for hosted 70B models, in milliseconds. */
export interface Place {
  readonly name: string;
  readonly firstMs: readonly [median: number, p95: number];
  readonly meanFirstMs: number;
  readonly perTokenMs: number;
  /** Per million tokens, in and out alike. */
  readonly usd: number;
  /** 1 to 10. */
  readonly quality: number;
}

/** In a trace the places are these providers of it. */
const providers = ['groq', 'anyscale', 'together', 'fireworks', 'perplexity', 'bedrock'];

const described = [
  { name: 'alpha', firstMs: [220, 300], perTokenMs: 3.7, usd: 0.8, quality: 8.8 },
  { name: 'bravo', firstMs: [210, 370], perTokenMs: 13.8, usd: 1, quality: 9 },
  { name: 'charlie', firstMs: [640, 780], perTokenMs: 11.5, usd: 0.9, quality: 9 },
  { name: 'delta', firstMs: [520, 790], perTokenMs: 21.5, usd: 0.9, quality: 9.1 },
  { name: 'echo', firstMs: [370, 640], perTokenMs: 30.3, usd: 0.5, quality: 8.9 },
  { name: 'foxtrot', firstMs: [390, 540], perTokenMs: 43.6, usd: 1.95, quality: 9.2 },
  { name: 'forbidden', firstMs: [100, 120], perTokenMs: 1, usd: 0.1, quality: 10 },
] as const;

/** The best place of all by every number, and no task here may go to it. */
export const forbidden = 'forbidden';

const withMean = (place: Omit<Place, 'meanFirstMs'>): Place => ({ ...place, meanFirstMs: place.firstMs[0] * 1.02 });
const described6: readonly Place[] = described.map(withMean);

/** Places of one's own for a seed: what is dearer is better in the mean, and nothing else is sure. */
function drawnPlaces(seed: number, count: number): readonly Place[] {
  const draw = seeded(seed * 13 + 5);
  const drawn = [...'abcdeghijklmnopqrstuvwxyz'].slice(0, count).map((letter) => {
    const [worth, firstMs, spread] = [draw(), 150 + 650 * draw(), 1.2 + 0.7 * draw()];
    const quality = Math.min(9.6, 7 + 2 * worth + 0.6 * (draw() - 0.5));
    const usd = 0.3 * 6 ** Math.min(1, Math.max(0, worth + 0.4 * (draw() - 0.5)));
    return withMean({
      name: `${letter}1`,
      firstMs: [firstMs, firstMs * spread],
      perTokenMs: 3 * 14 ** draw(),
      usd,
      quality,
    });
  });
  return [...drawn, ...described6.filter(({ name }) => name === forbidden)];
}

/** A kind of world. */
export interface Family {
  readonly perSecond: number;
  /** People say of one answer in so many what they think of it. */
  readonly scoredOneIn?: number;
  /** Default: the six that are described. */
  readonly places?: (seed: number) => readonly Place[];
  /** Prices and quality change all the time, and not by much. */
  readonly drifts?: boolean;
}

export const families: Readonly<Record<string, Family>> = {
  drawn: { perSecond: 8 },
  slow: { perSecond: 1 },
  fast: { perSecond: 50 },
  few: { perSecond: 8, places: (seed) => drawnPlaces(seed, 2) },
  many: { perSecond: 8, places: (seed) => drawnPlaces(seed, 20) },
  drift: { perSecond: 8, drifts: true },
  sparse: { perSecond: 8, scoredOneIn: 400 },
};

export interface Request {
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Something that befalls a place for a while. */
export interface Incident {
  readonly place: string;
  readonly kind: (typeof kinds)[number];
  /** How often as slow; the share that fails; how often as dear; how often as good. */
  readonly factor: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Script {
  readonly seed: number;
  readonly places: readonly Place[];
  readonly scoredOneIn: number;
  readonly lengthMs: number;
  readonly incidents: readonly Incident[];
  readonly requests: readonly Request[];
  /** Undefined: latencies are drawn. */
  readonly traces: Traces | undefined;
}

/** Recorded requests and latencies. */
export interface Traces {
  readonly requests: readonly Request[];
  /** By place: first content, and each token after it. */
  readonly latencies: ReadonlyMap<string, readonly { readonly firstMs: number; readonly perTokenMs: number }[]>;
}

const kinds = ['down', 'hang', 'slow', 'flaky', 'dear', 'worse'] as const;

/** What befalls places: two to eight times as slow, 30 to 80 % fail, 0.4 or three times the price, half the quality. */
const factors: Record<Incident['kind'], (draw: number) => number> = {
  down: () => 1,
  hang: () => 1,
  slow: (draw) => 2 * 4 ** draw,
  flaky: (draw) => 0.3 + 0.5 * draw,
  dear: (draw) => (draw < 0.5 ? 0.4 : 3),
  worse: () => 0.5,
};

const incidentsPerScript = 10;

/** A script of incidents, each of a random place at a random time, and of requests. */
export function scriptOf(seed: number, lengthMs: number, family: Family, traces?: Traces): Script {
  const { perSecond, scoredOneIn = 10, drifts = false } = family;
  const places = family.places?.(seed) ?? described6;
  const draw = seeded(seed);
  const anyPlace = (): string => (places[Math.floor(draw() * (places.length - 1))] as Place).name;
  const incidents = Array.from({ length: incidentsPerScript }, (_, n): Incident => {
    const fromMs = ((n + 0.3 + 0.4 * draw()) / (incidentsPerScript + 0.5)) * lengthMs;
    const kind = kinds[Math.floor(draw() * kinds.length)] as Incident['kind'];
    const place = anyPlace();
    const untilMs = fromMs + (0.03 + 0.05 * draw()) * lengthMs;
    return { place, kind, factor: factors[kind](draw()), fromMs, untilMs };
  });
  const requests = traces ? recorded(traces, seed, lengthMs, perSecond) : drawn(seed, lengthMs, perSecond);
  const drift = drifts ? places.flatMap(({ name }, n) => driftOf(name, lengthMs, seeded(seed * 19 + n))) : [];
  return { seed, places, scoredOneIn, lengthMs, incidents: [...incidents, ...drift], requests, traces };
}

/** Six prices and six qualities, one after the other, up to a half dearer and a tenth worse. */
function driftOf(place: string, lengthMs: number, draw: () => number): Incident[] {
  const spans = 6;
  return Array.from({ length: spans }, (_, n) => {
    const [fromMs, untilMs] = [(n / spans) * lengthMs, ((n + 1) / spans) * lengthMs];
    return [
      { place, kind: 'dear', factor: 0.75 + 0.75 * draw(), fromMs, untilMs } as const,
      { place, kind: 'worse', factor: 0.9 + 0.1 * draw(), fromMs, untilMs } as const,
    ];
  }).flat();
}

/** Requests as published of a service for conversations: Poisson, input 1,020 and output 129 tokens in the median. */
function drawn(seed: number, lengthMs: number, perSecond: number): Request[] {
  const draw = seeded(seed * 7 + 1);
  const requests: Request[] = [];
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(Math.max(1e-12, draw())) / perSecond) * 1_000;
    if (atMs >= lengthMs) return requests;
    const inputTokens = Math.round(Math.min(4_200, logNormal(draw, 1_020, 3_200)));
    const outputTokens = Math.max(1, Math.round(Math.min(620, logNormal(draw, 129, 500))));
    requests.push({ atMs, inputTokens, outputTokens });
  }
}

/** Recorded requests from a place in the trace that the seed says, as often as asked for: some are left out, none made up. */
function recorded({ requests }: Traces, seed: number, lengthMs: number, perSecond: number): Request[] {
  const draw = seeded(seed * 7 + 1);
  const wholeMs = requests.at(-1)?.atMs ?? 0;
  const fromMs = draw() * Math.max(0, wholeMs - lengthMs);
  const kept = Math.min(1, (perSecond * wholeMs) / 1_000 / requests.length);
  return requests
    .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + lengthMs && draw() < kept)
    .map((request) => ({ ...request, atMs: request.atMs - fromMs }));
}

/** How long a place would take for a request if all were well, and a draw for what may go wrong: the same for every caller. */
export function latencyOf(
  { seed, traces }: Script,
  place: Place,
  n: number,
): { readonly firstMs: number; readonly perTokenMs: number; readonly draw: number } {
  const draw = seeded(seed * 1_000_003 + n * 31 + (place.name.codePointAt(0) ?? 0));
  const failure = draw();
  const rows = traces?.latencies.get(place.name);
  const row = rows?.[Math.floor(draw() * rows.length)];
  if (row) return { ...row, draw: failure };
  return { firstMs: logNormal(draw, ...place.firstMs), perTokenMs: place.perTokenMs, draw: failure };
}

/**
 * Reads a folder of traces: all `azure*.csv` (arrivals and lengths, merged) and `llmperf*.csv` (latencies of hosted 70B models;
 * per token from whole and first, since one provider's own column holds something else).
 */
export function readTraces(folder: string): Traces {
  const files = readdirSync(folder);
  const requests = files
    .filter((name) => /^azure.*\.csv$/.test(name))
    .flatMap((name) => rowsOf(folder, name))
    .map(([atMs = 0, inputTokens = 0, outputTokens = 0]) => ({
      atMs: Number(atMs),
      inputTokens: Number(inputTokens),
      outputTokens: Math.max(1, Number(outputTokens)),
    }))
    .toSorted((a, b) => a.atMs - b.atMs);
  const latencies = new Map<string, { firstMs: number; perTokenMs: number }[]>();
  for (const name of files.filter((file) => /^llmperf.*\.csv$/.test(file))) {
    for (const [provider = '', size, first, , whole, , tokens, error] of rowsOf(folder, name)) {
      const place = described6[providers.indexOf(provider)]?.name;
      if (place === undefined || size !== '70b' || error !== '' || Number(tokens) < 2) continue;
      const firstMs = Number(first) * 1_000;
      const perTokenMs = Math.max(0.1, (Number(whole) * 1_000 - firstMs) / (Number(tokens) - 1));
      latencies.set(place, [...(latencies.get(place) ?? []), { firstMs, perTokenMs }]);
    }
  }
  if (requests.length === 0 && latencies.size === 0)
    throw new Error(`${folder} holds no azure*.csv and no llmperf*.csv`);
  return { requests, latencies };
}

const rowsOf = (folder: string, name: string): string[][] =>
  readFileSync(join(folder, name), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));

/** How a place is at an instant. */
export interface Condition {
  readonly isUp: boolean;
  /** It takes calls and says nothing. */
  readonly hangs: boolean;
  readonly failureRate: number;
  readonly slowness: number;
  readonly dearness: number;
  /** Of its quality. */
  readonly goodness: number;
}

export function conditionAt({ incidents, seed }: Script, place: string, atMs: number): Condition {
  const now = incidents.filter((one) => one.place === place && one.fromMs <= atMs && atMs < one.untilMs);
  const factor = (kind: Incident['kind'], otherwise: number): number =>
    now.find((one) => one.kind === kind)?.factor ?? otherwise;
  const isDown = factor('down', 0) > 0;
  const hangs = factor('hang', 0) > 0;
  return {
    isUp: !isDown && !hangs,
    hangs,
    failureRate: isDown ? 1 : factor('flaky', 0.002),
    slowness: factor('slow', 1) * driftAt(seed, place, atMs),
    dearness: factor('dear', 1),
    goodness: factor('worse', 1),
  };
}

/** Places are busier at some times than at others: up to a quarter faster or slower, in waves of some minutes. */
function driftAt(seed: number, place: string, atMs: number): number {
  const phase = 1.7 * seed + (place.codePointAt(0) ?? 0);
  return 1 + 0.25 * Math.sin(phase + (2 * Math.PI * atMs) / (420_000 + 30_000 * (phase % 7)));
}

/**
 * The registry of these places. Latencies of benchmarks are rounded and somewhat wrong, as an operator's are; accuracy is the
 * published figure, by which an operator also orders the models of a cascade.
 */
export function registryOf(
  places: readonly Place[],
  order: readonly string[],
  mode: RankMode,
  goal: Goal,
  prices: (place: string) => number,
): Snapshot {
  const models = places.map((place): AnyDocument => {
    const latencyMs = Math.round((place.firstMs[0] + 130 * place.perTokenMs) / 500) * 500 || 500;
    const mayTakeIt = place.name !== forbidden;
    const usd = place.usd * prices(place.name);
    return {
      kind: 'model',
      body: {
        name: place.name,
        slug: place.name,
        aliases: [],
        tags: ['chat'],
        call_method: 'API',
        provider: 'openai-compatible',
        capabilities: [],
        tier: 'standard',
        allowed_tasks: { can_this_model_see_customer_data: mayTakeIt },
        benchmark: { avg_latency_ms: latencyMs, accuracy: Math.round(place.quality * 10) / 10 },
        prices: { input: usd, output: usd },
        local: { auto_healthcheck: true },
      },
    };
  });
  const steps = order.map((model, n) => ({ step: n === 0 ? 'primary' : `fallback_${n}`, model }));
  const compiled = compileSnapshot(1, [
    ...models,
    { kind: 'route', body: { name: 'chat', slug: 'chat', steps, mode, goal } },
    { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems.slice(0, 2)));
  return compiled.snapshot;
}
