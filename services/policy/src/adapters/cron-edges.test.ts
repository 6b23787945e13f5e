import { type AnyDocument, compileSnapshot, type Snapshot } from '@will/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Edge, edgeTimesOf, Edges } from './cron-edges.ts';

const night: AnyDocument = {
  kind: 'schedule',
  body: { name: 'n', slug: 'n', time_zone: 'Europe/Berlin', from: '21:00', to: '06:00', prefer: 'local' },
};
const idle: AnyDocument = {
  kind: 'schedule',
  body: { name: 'i', slug: 'i', time_zone: 'UTC', from: '00:00', to: '24:00' },
};
const client: AnyDocument = { kind: 'client', body: { name: 'c', slug: 'c', time_zone: 'Asia/Kathmandu' } };

function snapshot(...documents: AnyDocument[]): Snapshot {
  const compiled = compileSnapshot(1, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 23, 19, 59, 30) }));
afterEach(() => void vi.useRealTimers());

test('each edge stands in the schedule’s own zone and in those of the clients; what decides nothing has none', () => {
  expect(edgeTimesOf(snapshot(night, idle, client)).map(({ timeZone, pattern }) => `${pattern} ${timeZone}`)).toEqual([
    '0 21 * * * Europe/Berlin',
    '0 6 * * * Europe/Berlin',
    '0 21 * * * Asia/Kathmandu',
    '0 6 * * * Asia/Kathmandu',
  ]);
});

test('an edge is announced at its minute, and no more once the schedule is gone', async () => {
  const told: Edge[] = [];
  const edges = new Edges((edge) => told.push(edge), Date.now);
  edges.follow(snapshot(night));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toMatchObject([{ schedule: 'n', timeZone: 'Europe/Berlin', isOpen: true }]);
  await vi.advanceTimersByTimeAsync(9 * 3_600_000);
  expect(told.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  edges.follow(undefined);
  await vi.advanceTimersByTimeAsync(24 * 3_600_000);
  expect(told).toHaveLength(2);
});
