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
  readonly perTokenMs: number;
  /** Per million tokens, in and out alike. */
  readonly usd: number;
  /** 1 to 10. */
  readonly quality: number;
}

export const places: readonly Place[] = [
  { name: 'alpha', firstMs: [220, 300], perTokenMs: 3.7, usd: 0.8, quality: 8.8 },
  { name: 'bravo', firstMs: [210, 370], perTokenMs: 13.8, usd: 1, quality: 9 },
  { name: 'charlie', firstMs: [640, 780], perTokenMs: 11.5, usd: 0.9, quality: 9 },
  { name: 'delta', firstMs: [520, 790], perTokenMs: 21.5, usd: 0.9, quality: 9.1 },
  { name: 'echo', firstMs: [370, 640], perTokenMs: 30.3, usd: 0.5, quality: 8.9 },
  { name: 'foxtrot', firstMs: [390, 540], perTokenMs: 43.6, usd: 1.95, quality: 9.2 },
];

/** Something that befalls a place for a while. */
export interface Incident {
  readonly place: string;
  readonly kind: 'down' | 'slow' | 'flaky' | 'dear';
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Script {
  readonly seed: number;
  readonly lengthMs: number;
  readonly perSecond: number;
  readonly incidents: readonly Incident[];
}

const kinds = ['down', 'slow', 'flaky', 'dear'] as const;

/** A script of incidents, each of a random place at a random time. */
export function scriptOf(seed: number, lengthMs: number, perSecond: number): Script {
  const draw = seeded(seed);
  const incidents = Array.from({ length: 5 }, (_, n): Incident => {
    const fromMs = ((n + 0.3 + 0.4 * draw()) / 5.5) * lengthMs;
    return {
      place: (places[Math.floor(draw() * places.length)] as Place).name,
      kind: kinds[Math.floor(draw() * kinds.length)] as Incident['kind'],
      fromMs,
      untilMs: fromMs + (0.04 + 0.08 * draw()) * lengthMs,
    };
  });
  return { seed, lengthMs, perSecond, incidents };
}

/** How a place is at an instant. */
export interface Condition {
  readonly isUp: boolean;
  readonly failureRate: number;
  readonly slowness: number;
  readonly dearness: number;
}

export function conditionAt({ incidents }: Script, place: string, atMs: number): Condition {
  const now = incidents.filter((one) => one.place === place && one.fromMs <= atMs && atMs < one.untilMs);
  const has = (kind: Incident['kind']): boolean => now.some((one) => one.kind === kind);
  return {
    isUp: !has('down'),
    failureRate: has('down') ? 1 : has('flaky') ? 0.5 : 0.002,
    slowness: has('slow') ? 5 : 1,
    dearness: has('dear') ? 3 : 1,
  };
}

/** The registry of these places; benchmarks are rounded and somewhat wrong, as an operator's are. */
export function registryOf(
  order: readonly string[],
  mode: RankMode,
  goal: Goal,
  prices: (place: string) => number,
): Snapshot {
  const models = places.map((place): AnyDocument => {
    const latencyMs = Math.round((place.firstMs[0] + 130 * place.perTokenMs) / 500) * 500 || 500;
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
        benchmark: { avg_latency_ms: latencyMs, accuracy: Math.round(place.quality) },
        prices: { input: usd, output: usd },
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
