import type { Behaviour } from '@will/testkit';
import { Random } from '../policy/random.ts';
import { callersDocument, documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import type { Rules } from './checker.ts';

// The documents of a run, and the same in the checker's words: written down twice, so that neither can hide the other's
// mistake.

export const clients = ['one', 'two', 'discreet'] as const;
export const taskTypes = ['plain', 'capped'] as const;

const capOfDay = 60;
const atOnce = 8;

const discreet = `[client:discreet]
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`;

export function documentsOf(upstreamUrl: string): Readonly<Record<string, string>> {
  const endpoint = `${upstreamUrl}/v1`;
  const limited = (name: string, tags: string, more: string): string =>
    `${modelDocument({ name, tags, endpoint })}\nlimits: { concurrency: ${atOnce}, cooldown_seconds: 2${more} }`;
  const cloud = modelDocument({ name: 'Flaky', tags: 'plain', endpoint, callMethod: 'API', compliance: 'none' });
  return {
    'discreet.will': discreet,
    'others.yaml': callersDocument('one', 'two'),
    'world.yaml': documentFile(
      openByDefault,
      `${cloud}\nlimits: { concurrency: ${atOnce}, cooldown_seconds: 1 }`,
      limited('Steady', 'plain, capped', ''),
      limited('Capped', 'capped', `, daily: { requests: ${capOfDay} }`),
      routeDocument('plain', 'Flaky', 'Steady'),
      routeDocument('capped', 'Capped', 'Steady'),
    ),
  };
}

/** `workers`: the most that live at once. */
export const rulesOf = (workers: number): Rules => ({
  allowed: (client, type) =>
    type === 'capped' ? ['capped', 'steady'] : client === 'discreet' ? ['steady'] : ['flaky', 'steady'],
  concurrency: { flaky: atOnce * workers, steady: atOnce * workers, capped: atOnce * workers },
  daily: { capped: capOfDay },
  // Two models, each once, and again after it was not delivered or met a limit.
  callsPerPickup: 6,
  slackMs: 2_000,
});

const misbehaviours: readonly Behaviour[] = [
  { kind: 'status', status: 429, headers: { 'retry-after-ms': '700' } },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 200, body: '{"error":{"message":"overloaded","type":"server_error"}}' },
  { kind: 'status', status: 200, body: '', contentType: 'text/html' },
  { kind: 'nonsense' },
  { kind: 'reset' },
  { kind: 'silent' },
  { kind: 'filtered' },
  { kind: 'breaks', after: 0, how: 'cut' },
  { kind: 'breaks', after: 2, how: 'cut' },
  { kind: 'breaks', after: 2, how: 'error_event' },
  { kind: 'breaks', after: 1, how: 'stall' },
  { kind: 'breaks', after: 3, how: 'end_without_marker' },
];

/** How a model treats its calls: two thirds well, some of them slowly; the rest in every way that providers fail. */
export function moodsOf(seed: number, count: number): Behaviour[] {
  const random = new Random(seed ^ 0x5eed);
  return Array.from({ length: count }, () => (random.chance(0.67) ? kindly(random) : random.pick(misbehaviours)));
}

export const kindly = (random: Random): Behaviour => ({
  kind: 'answer',
  echo: true,
  delayMs: random.below(200),
  chunks: 1 + random.below(6),
  gapMs: random.below(30),
});
