import { latencyBucketOf, type CallRecord } from '@will/core';
import { expect, test } from 'vitest';
import type { CallLog, LogEvent } from '../call-log.ts';
import type { UsageDimension, UsageQuestion } from '../usage.ts';
import { onStore, type Place } from './place.ts';
import { blockedRecord, callRecord } from './samples.ts';

const call = (record: CallRecord): LogEvent => ({ kind: 'call', record });

const allTime = { fromMs: 0, toMs: 10_000_000_000 };
const hour = 3_600_000;

/** What the usage of every call log promises. */
export function usageContract(newPlace: () => Promise<Place<CallLog>>): void {
  test('usage comes by model, task type and outcome, with money, unknown costs and percentiles to be made of it', () =>
    onStore(newPlace, async (log) => {
      const of = (attemptId: string, stated: Partial<CallRecord>): LogEvent =>
        call(callRecord({ attemptId, model: 'a', costNanoUsd: 10n, durationMs: 100, ...stated }));
      await log.ingest([
        of('1', {}),
        of('2', { costNanoUsd: undefined }),
        of('3', { outcome: 'Timeout', status: 'Deadline' }),
      ]);
      await log.ingest([of('4', { model: 'b', taskType: 'code', costNanoUsd: 7n }), of('5', { costNanoUsd: 5n })]);
      await log.ingest([call(blockedRecord({ attemptId: '6' }))]);
      const told = async (by: UsageDimension[]): Promise<unknown> =>
        (await log.usage({ by, ...allTime })).map((group) => [
          ...by.map((dimension) => group[dimension as 'model']),
          group.calls,
          group.successes,
          group.costNanoUsd,
          group.unknownCosts,
        ]);
      expect(await told(['model'])).toEqual([
        ['a', 4, 3, 25n, 1],
        ['b', 1, 1, 7n, 0],
        ['', 1, 0, 0n, 0],
      ]);
      expect(await told(['taskType'])).toEqual([
        ['text_gen', 5, 3, 25n, 1],
        ['code', 1, 1, 7n, 0],
      ]);
      expect(await told(['model', 'outcome'])).toEqual([
        ['a', 'Success', 3, 3, 15n, 1],
        ['a', 'Timeout', 1, 0, 10n, 0],
        ['b', 'Success', 1, 1, 7n, 0],
        ['', 'Blocked', 1, 0, 0n, 0],
      ]);
      const [all] = await log.usage({ by: [], ...allTime });
      expect(all).toMatchObject({ inputTokens: 600, outputTokens: 240, cachedInputTokens: 100, reasoningTokens: 25 });
      expect(all?.latencies.reduce((sum, count) => sum + count, 0)).toBe(4);
      expect(all?.latencies[latencyBucketOf(100)]).toBe(4);
    }));

  test('usage tells what was read from prompt caches and written to them, and what that saved', () =>
    onStore(newPlace, async (log) => {
      const price = { input: 3e9, output: 15e9, cachedInput: 3e8, cacheWrite: 3_750_000_000, cacheWrite1h: 6e9 };
      const usage = {
        inputTokens: 1_000,
        outputTokens: 1,
        cachedInputTokens: 600,
        cacheWriteTokens: 300,
        cacheWrite1hTokens: 100,
        reasoningTokens: 0,
        estimated: false,
      };
      const cached = callRecord({ attemptId: '1', usage, price });
      await log.ingest([
        call(cached),
        call(callRecord({ attemptId: '2', usage, price: undefined })),
        call(callRecord({ attemptId: '3', usage, price, writtenBy: 'router' })),
      ]);
      const saved = 600n * 2_700n - 200n * 750n - 100n * 3_000n;
      const told = async () => (await log.usage({ by: ['client'], ...allTime }))[0];
      expect(await told()).toMatchObject({
        cachedInputTokens: 1_800,
        cacheWriteTokens: 900,
        cacheWrite1hTokens: 300,
        savedNanoUsd: 2n * saved,
      });
      expect((await log.calls({}, 10)).find(({ attemptId }) => attemptId === '1')).toEqual(cached);
      // A better record takes away what the lesser one saved.
      await log.ingest([call(callRecord({ attemptId: '3', writtenBy: 'worker' }))]);
      expect(await told()).toMatchObject({ cachedInputTokens: 1_220, cacheWriteTokens: 600, savedNanoUsd: saved });
    }));

  test('usage comes by cost tag, by day, client and model', () =>
    onStore(newPlace, async (log) => {
      const of = (attemptId: string, costTags: readonly string[], stated: Partial<CallRecord> = {}): LogEvent =>
        call(callRecord({ attemptId, costNanoUsd: 10n, costTags, ...stated }));
      await log.ingest([
        of('1', ['env=prod', 'team=search']),
        of('2', ['env=prod', 'team=ads'], { model: 'other' }),
        of('3', ['team=search'], { client: 'globex' }),
        call(callRecord({ attemptId: '4', costNanoUsd: 10n })),
      ]);
      const told = async (question: Partial<UsageQuestion>): Promise<unknown> =>
        (await log.usage({ by: ['costTag'], ...allTime, ...question })).map(({ costTag, client, model, calls }) => [
          costTag ?? client ?? model,
          calls,
        ]);
      expect(await told({ costTagKey: 'team' })).toEqual([
        ['search', 2],
        ['ads', 1],
      ]);
      expect(await told({ costTagKey: 'env' })).toEqual([['prod', 2]]);
      expect(await told({ costTagKey: 'team', client: 'acmelegal' })).toEqual([
        ['ads', 1],
        ['search', 1],
      ]);
      expect(await told({ costTagKey: 'env', by: ['model'] })).toEqual([
        ['gpt-4', 1],
        ['other', 1],
      ]);
      expect(await told({ costTagKey: 'nothing' })).toEqual([]);
      expect((await log.usage({ by: [], ...allTime }))[0]?.calls).toBe(4);
      await log.erase('acmelegal', 10);
      expect(await told({ costTagKey: 'team' })).toEqual([['search', 1]]);
    }));

  test('usage comes by hour and day, and of a part of the time', () =>
    onStore(newPlace, async (log) => {
      const at = (attemptId: string, startedAtMs: number): LogEvent => call(callRecord({ attemptId, startedAtMs }));
      await log.ingest([at('1', 23 * hour), at('2', 24 * hour), at('3', 25 * hour), at('4', 49 * hour - 1)]);
      const told = async (by: UsageDimension[], fromMs: number, toMs: number): Promise<unknown> =>
        (await log.usage({ by, fromMs, toMs })).map(({ startMs = -1, calls }) => [startMs / hour, calls]);
      const hours = [
        [23, 1],
        [24, 1],
        [25, 1],
        [48, 1],
      ];
      expect(await told(['hour'], 0, 100 * hour)).toEqual(hours);
      const days = [
        [0, 1],
        [24, 2],
        [48, 1],
      ];
      expect(await told(['day'], 0, 100 * hour)).toEqual(days);
      expect(await told(['day'], 23 * hour, 49 * hour)).toEqual(days);
      expect(await told(['day'], 24 * hour, 25 * hour)).toEqual([[24, 1]]);
      const [all] = await log.usage({ by: [], fromMs: 24 * hour, toMs: 48 * hour + 1 });
      expect(all?.calls).toBe(3);
      expect(await log.usage({ by: [], fromMs: 100 * hour, toMs: 200 * hour })).toEqual([]);
    }));

  test('usage comes by client, alone, by day and by model, and of one client, model, task type or outcome', () =>
    onStore(newPlace, async (log) => {
      const of = (attemptId: string, client: string, model: string): LogEvent =>
        call(callRecord({ attemptId, client, model, costNanoUsd: 1n }));
      await log.ingest([of('1', 'x', 'a'), of('2', 'x', 'b'), of('3', 'y', 'a'), of('4', 'x', 'a')]);
      const told = async (question: Partial<UsageQuestion>): Promise<unknown> =>
        (await log.usage({ by: [], ...allTime, ...question })).map(({ client, model, calls }) => [
          client,
          model,
          calls,
        ]);
      expect(await told({ by: ['client'] })).toEqual([
        ['x', undefined, 3],
        ['y', undefined, 1],
      ]);
      expect(await told({ by: ['client', 'model', 'day'] })).toEqual([
        ['x', 'a', 2],
        ['x', 'b', 1],
        ['y', 'a', 1],
      ]);
      expect(await told({ by: ['model'], client: 'x' })).toEqual([
        [undefined, 'a', 2],
        [undefined, 'b', 1],
      ]);
      expect(await told({ model: 'a', taskType: 'text_gen', outcome: 'Success' })).toEqual([[undefined, undefined, 3]]);
      expect(await told({ model: 'a', outcome: 'Timeout' })).toEqual([]);
    }));

  test('a record that replaces another leaves no trace of it in the sums', () =>
    onStore(newPlace, async (log) => {
      const unknown = callRecord({
        writtenBy: 'telemetry',
        outcome: 'Timeout',
        status: 'Unknown',
        costNanoUsd: undefined,
        durationMs: 60_000,
      });
      await log.ingest([call(unknown)]);
      await log.ingest([call(callRecord({ writtenBy: 'router', model: 'other', startedAtMs: 90_000_000 }))]);
      await log.ingest([call(callRecord()), call(callRecord())]);
      await log.ingest([call(unknown)]);
      for (const by of [
        ['model', 'outcome', 'hour'],
        ['taskType', 'outcome', 'hour'],
        ['hour'],
        ['client', 'day'],
        ['day'],
      ] as UsageDimension[][]) {
        const groups = await log.usage({ by, ...allTime });
        expect(groups.map(({ calls, costNanoUsd, unknownCosts }) => [calls, costNanoUsd, unknownCosts])).toEqual([
          [1, 1_234_567n, 0],
        ]);
        expect(groups[0]?.latencies.indexOf(1)).toBe(latencyBucketOf(812));
      }
    }));

  test('calls of a model are repriced, part by part, with the sums; repeating it changes nothing', () =>
    onStore(newPlace, async (log) => {
      const at = (attemptId: string, stated: Partial<CallRecord>): LogEvent =>
        call(callRecord({ attemptId, ...stated }));
      await log.ingest([
        at('before', { startedAtMs: 999 }),
        at('1', { startedAtMs: 1_000 }),
        at('2', { startedAtMs: 1_000, costNanoUsd: undefined, price: undefined }),
        at('3', { startedAtMs: 1_001, usage: undefined, costNanoUsd: undefined, price: undefined }),
        at('4', { startedAtMs: 1_002 }),
        at('after', { startedAtMs: 2_000 }),
        at('other', { startedAtMs: 1_000, model: 'other' }),
      ]);
      // 120 in, 20 of them cached, and 48 out: 100 × 1,000 + 20 × 100 + 48 × 2,000.
      const price = { input: 1_000_000_000, output: 2_000_000_000, cachedInput: 100_000_000 };
      const of = { model: 'gpt-4', fromMs: 1_000, toMs: 2_000, prices: { price, priceHours: [] } };
      const first = await log.reprice(of, 2, '');
      expect(first).toMatchObject({ examined: 2, changed: 2, addedNanoUsd: 2n * 198_000n - 1_234_567n });
      const second = await log.reprice(of, 2, first.next ?? '');
      expect(second).toMatchObject({ examined: 2, changed: 1, addedNanoUsd: 198_000n - 1_234_567n });
      expect(await log.reprice(of, 2, second.next ?? '')).toMatchObject({ examined: 0, next: undefined });
      const calls = await log.calls({ model: 'gpt-4' }, 10);
      expect(Object.fromEntries(calls.map(({ attemptId, costNanoUsd }) => [attemptId, costNanoUsd]))).toEqual({
        before: 1_234_567n,
        1: 198_000n,
        2: 198_000n,
        3: undefined,
        4: 198_000n,
        after: 1_234_567n,
      });
      expect(calls.find(({ attemptId }) => attemptId === '2')?.price).toEqual(price);
      const [everyModel] = await log.usage({ by: ['hour'], ...allTime });
      expect(everyModel).toMatchObject({ calls: 7, costNanoUsd: 3n * 1_234_567n + 3n * 198_000n });
      for (const by of [['model'], ['client', 'model']] as UsageDimension[][]) {
        const [sums] = await log.usage({ by, ...allTime, model: 'gpt-4' });
        expect(sums).toMatchObject({ calls: 6, costNanoUsd: 2n * 1_234_567n + 3n * 198_000n, unknownCosts: 1 });
      }
      expect(await log.reprice(of, 100, '')).toEqual({ examined: 4, changed: 0, addedNanoUsd: 0n, next: undefined });
    }));
}
