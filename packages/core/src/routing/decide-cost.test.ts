import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { AnyDocument } from '../domain/documents.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { client, facts, model, onDevice, project, route, schedule, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 22);
const asked = facts({ client: 'c0', project: 'p0', priority: 'background' });

/** A world of so many models, clients, projects, routes and schedules; what is asked has ten candidates in each. */
function worldOf(count: number, candidates: number): Snapshot {
  const each = (build: (n: number) => AnyDocument): AnyDocument[] => Array.from({ length: count }, (_, n) => build(n));
  const rules = {
    data_class: 'open',
    data_rules: { avoid_cloud: true, data_residency: 'EU', use_compliant_only: true },
  } as const;
  return snapshotOf(
    ...each((n) => model(`m${n}`, { ...onDevice, data_residency: 'EU', compliance: [{ standard: 'GDPR' }] })),
    ...each((n) => client(`c${n}`, { ...rules, default_model: `m${n}` })),
    ...each((n) => project(`p${n}`, { ...rules, default_model: `m${n}` })),
    ...each((n) => route(`type_${n}`, [`m${n}`])),
    ...each((n) => schedule({ name: `s${n}`, slug: `s${n}`, prefer: 'local', task_types: [`type_${n}`] })),
    schedule({ prefer: 'cheapest', priorities: ['background'] }),
    route(
      'text_gen',
      Array.from({ length: candidates }, (_, n) => `m${n}`),
    ),
  );
}

/** How many times as much a decision costs in one world as in another: the least of rounds in turn, since load only adds. */
function costRatio(world: Snapshot, reference: Snapshot): number {
  const round = (of: Snapshot): number => {
    const startedMs = performance.now();
    for (let n = 0; n < 100; n += 1) decide(of, asked, nowMs);
    return performance.now() - startedMs;
  };
  let [least, leastReference] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let n = 0; n < 60; n += 1) {
    least = Math.min(least, round(world));
    leastReference = Math.min(leastReference, round(reference));
  }
  return least / leastReference;
}

test('ten thousand models, clients, projects, routes and schedules make a decision no dearer than ten do', () => {
  const [few, many] = [worldOf(10, 10), worldOf(10_000, 10)];
  expect(decide(many, asked, nowMs).candidates).toEqual(decide(few, asked, nowMs).candidates);
  expect(costRatio(many, few)).toBeLessThan(1.5);
});

test('a decision grows no faster than its candidates, but for the sorting', () => {
  expect(costRatio(worldOf(40, 40), worldOf(40, 10))).toBeLessThan(8);
});
