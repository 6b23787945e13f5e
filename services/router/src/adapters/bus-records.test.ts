import { toBinary } from '@bufbuild/protobuf';
import { compileSnapshot, decide, select, type AnyDocument, type LiveState } from '@will/core';
import { rankedSetId, replayKept, wire } from '@will/contracts';
import { costRatio, factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import type { Choice, DecidedSet } from '../ports.ts';
import { busRecords } from './bus-records.ts';

const nowMs = Date.UTC(2026, 10, 23, 22);
const candidates = Array.from({ length: 20 }, (_, n) => `m${n}`);
const documents: readonly AnyDocument[] = [
  ...candidates.map(
    (slug): AnyDocument => ({
      kind: 'model',
      body: {
        name: slug,
        slug,
        aliases: [],
        tags: ['text_gen'],
        call_method: 'API',
        provider: 'openai-compatible',
        capabilities: [],
        tier: 'standard',
      },
    }),
  ),
  {
    kind: 'route',
    body: { name: 'text_gen', slug: 'text_gen', steps: candidates.map((model, n) => ({ step: `s${n}`, model })) },
  },
  {
    kind: 'schedule',
    body: { name: 'n', slug: 'n', time_zone: 'Europe/Berlin', from: '21:00', to: '06:00', prefer: 'cheapest' },
  },
  { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
];
const facts = factsFor({ client: 'default', priority: 'background' });
function snapshot() {
  const compiled = compileSnapshot(3, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}
const world = snapshot();
const nothingKnown: LiveState = { unserved: new Map(), coolingUntilMs: new Map() };

function choose(decided: DecidedSet, live: LiveState): Choice {
  const [seed, atMs] = [7, nowMs + 900];
  return { selection: select(decided.set, live, { seed, nowMs: atMs }), live, seed, atMs };
}
function decideNow(): DecidedSet {
  const set = decide(world, facts, nowMs);
  return { setId: rankedSetId(set), set };
}
function recordsInto(): { events: wire.Event[]; records: ReturnType<typeof busRecords> } {
  const events: wire.Event[] = [];
  return { events, records: busRecords({ add: (event) => void events.push(event) }) };
}
function told(events: readonly wire.Event[]) {
  const decision = events.find(({ kind }) => kind.case === 'decision')?.kind.value as wire.DecisionRecord;
  const set = events.find(({ kind }) => kind.case === 'rankedSet')?.kind.value as wire.RankedSet;
  return { decision, set };
}

test('a decision tells both instants, the seed, and of the state what had a say', () => {
  const { events, records } = recordsInto();
  const decided = decideNow();
  const live = {
    unserved: new Map([
      ['m3', 'no key'],
      ['elsewhere', 'no file'],
    ]),
    coolingUntilMs: new Map([['m5', nowMs + 2_000]]),
  };
  records.decided('t', 'd', decided, choose(decided, live), { ignoredFields: ['foo'], notices: ['no reflex'] });
  const { decision, set } = told(events);
  expect(decision).toMatchObject({
    ignoredFields: ['foo'],
    notices: ['no reflex'],
    seed: 7n,
    revision: 3n,
    atUnixMs: BigInt(nowMs + 900),
    setDecidedUnixMs: BigInt(nowMs),
    live: [
      { model: 'm3', unserved: 'no key', coolingUntilUnixMs: 0n },
      { model: 'm5', unserved: '', coolingUntilUnixMs: BigInt(nowMs + 2_000) },
    ],
  });
  expect(decision.stateDigest).toHaveLength(22);
  expect(replayKept(snapshot(), decision, set).differences).toEqual([]);
});

test('a cooldown without end, or one that ends within a millisecond, is told and made again', () => {
  const { events, records } = recordsInto();
  const decided = decideNow();
  const coolingUntilMs = new Map([
    ['m1', Number.POSITIVE_INFINITY],
    ['m2', nowMs + 900.2],
    ['m3', Number.NaN],
    ['m4', -5],
  ]);
  records.decided('t', 'd', decided, choose(decided, { ...nothingKnown, coolingUntilMs }));
  const { decision, set } = told(events);
  expect(decision.skipped.map(({ model }) => model)).toEqual(['m1', 'm2']);
  expect(replayKept(snapshot(), decision, set).differences).toEqual([]);
});

test('a set is told once, the decisions made of it each', () => {
  const { events, records } = recordsInto();
  const decided = decideNow();
  for (const id of ['a', 'b', 'c']) records.decided(id, id, decided, choose(decided, nothingKnown));
  expect(events.map(({ kind }) => kind.case)).toEqual(['rankedSet', 'decision', 'decision', 'decision']);
});

test('the one that changes a kept decision is found out', () => {
  const { events, records } = recordsInto();
  const decided = decideNow();
  records.decided('t', 'd', decided, choose(decided, { ...nothingKnown, unserved: new Map([['m0', 'no key']]) }));
  const { decision, set } = told(events);
  const differences = (changed: Partial<wire.DecisionRecord>) =>
    replayKept(snapshot(), { ...decision, ...changed }, set).differences.join();
  expect(differences({ order: ['m0'] })).toContain('tried in this order');
  expect(differences({ skipped: [] })).toContain('skipped');
  expect(differences({ live: [] })).toContain('digest of the state');
  expect(differences({ setId: 'other' })).toContain('digest of the ranked set');
});

test('to select and record costs no more than a few decisions', () => {
  const unserved = new Map([['m3', 'env://OPENAI_API_KEY is not set']]);
  const repeated = (work: (n: number) => void) => () => {
    for (let n = 0; n < 500; n += 1) work(n);
  };
  const set = decide(world, facts, nowMs);
  const { records } = recordsInto();
  const deciding = repeated(() => decide(world, facts, nowMs));
  const recording = repeated((n) => {
    const decided = { setId: 'told', set };
    records.decided(`t${n}`, `d${n}`, decided, choose(decided, { ...nothingKnown, unserved }));
  });
  expect(costRatio(recording, deciding)).toBeLessThan(5);
});

test('a record of a decision stays small on the bus', () => {
  const { events, records } = recordsInto();
  const decided = decideNow();
  records.decided('t', 'd', decided, choose(decided, nothingKnown));
  expect(toBinary(wire.DecisionRecordSchema, told(events).decision).length).toBeLessThan(300);
});
