import type { CallRecord } from '@will/core';
import { expect, test } from 'vitest';
import type { CallLog, LogEvent } from '../call-log.ts';
import { leafKey, type NewSeal, rootOfLeaves, rootOfRecords, type Seal } from '../seals/seal.ts';
import { onStore, type Place } from './place.ts';
import { callRecord, decision, namedSet } from './samples.ts';

const call = (stated: Partial<CallRecord>): LogEvent => ({ kind: 'call', record: callRecord(stated) });

/** A seal of the records, whose texts are their ids. */
function sealOf(number: number, records: readonly CallRecord[], times: Pick<Seal, 'fromMs' | 'toMs'>): NewSeal {
  const groups = [...Map.groupBy(records, ({ client }) => client)].map(([client, ofClient]) => {
    const texts = ofClient.map(({ attemptId }) => attemptId);
    return {
      key: leafKey(number, client),
      client,
      records: texts.length,
      root: rootOfRecords('salt', texts),
      salt: 'salt',
      body: new TextEncoder().encode(texts.join('\n')),
    };
  });
  const leaves = groups.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const seal = { number, ...times, root: rootOfLeaves(leaves), records: records.length, clients: groups.length };
  return { seal, groups, sealed: records };
}

/** What every call log promises of seals. */
export function sealContract(newPlace: () => Promise<Place<CallLog>>): void {
  const idsIn = async (log: CallLog, beforeMs: number, limit = 10): Promise<string[]> =>
    (await log.unsealed(beforeMs, limit)).map(({ attemptId }) => attemptId);

  test('a record is unsealed until a seal holds it, and again when a better record takes its place', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([
        call({ attemptId: 'b', startedAtMs: 20, writtenBy: 'telemetry' }),
        call({ attemptId: 'a', startedAtMs: 10 }),
        call({ attemptId: 'c', startedAtMs: 30 }),
      ]);
      expect(await idsIn(log, 30)).toEqual(['a', 'b']);
      expect(await idsIn(log, 30, 1)).toEqual(['a']);
      expect(await log.addSeal(sealOf(1, await log.unsealed(30, 10), { fromMs: 10, toMs: 30 }))).toBe(true);
      expect(await idsIn(log, 31)).toEqual(['c']);
      await log.ingest([call({ attemptId: 'b', startedAtMs: 20, writtenBy: 'telemetry' })]);
      expect(await idsIn(log, 31)).toEqual(['c']);
      await log.ingest([call({ attemptId: 'b', startedAtMs: 20 })]);
      expect(await idsIn(log, 31)).toEqual(['b', 'c']);
    }));

  test('a record that was replaced while it was being sealed stays unsealed', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([call({ attemptId: 'a', startedAtMs: 10, writtenBy: 'router' })]);
      const read = await log.unsealed(30, 10);
      await log.ingest([call({ attemptId: 'a', startedAtMs: 10 })]);
      await log.addSeal(sealOf(1, read, { fromMs: 10, toMs: 30 }));
      expect(await idsIn(log, 30)).toEqual(['a']);
    }));

  test('charging a sealed record anew does not unseal it', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([call({ attemptId: 'a', startedAtMs: 10 }), call({ attemptId: 'b', startedAtMs: 40 })]);
      await log.addSeal(sealOf(1, await log.unsealed(30, 10), { fromMs: 10, toMs: 30 }));
      const prices = { price: { input: 1_000_000_000, output: 1_000_000_000 }, priceHours: [] };
      expect(await log.reprice({ model: 'gpt-4', fromMs: 0, toMs: 100, prices }, 10, '')).toMatchObject({ changed: 2 });
      expect(await idsIn(log, 100)).toEqual(['b']);
      expect((await log.unsealed(100, 10))[0]).toMatchObject({ startedAtMs: 40, price: prices.price });
    }));

  test('a seal comes out as it went in, after the log is opened again too, and its number is taken once', () =>
    onStore(newPlace, async (log, reopen) => {
      const records = [callRecord({ attemptId: '1', client: 'x' }), callRecord({ attemptId: '2', client: 'y' })];
      const first = sealOf(1, records, { fromMs: 0, toMs: 100 });
      expect(await log.lastSeal()).toBeUndefined();
      expect(await log.addSeal(first)).toBe(true);
      expect(await log.addSeal(sealOf(1, [], { fromMs: 100, toMs: 200 }))).toBe(false);
      expect(await log.addSeal(sealOf(2, [], { fromMs: 100, toMs: 200 }))).toBe(true);
      const again = await reopen();
      expect(await again.lastSeal()).toMatchObject({ number: 2, records: 0, clients: 0 });
      expect(await again.sealsAfter(0, 0, 100, 10)).toEqual([first.seal]);
      expect((await again.sealsAfter(0, 50, 150, 10)).map(({ number }) => number)).toEqual([1, 2]);
      expect((await again.sealsAfter(0, 50, 150, 1)).map(({ number }) => number)).toEqual([1]);
      expect((await again.sealsAfter(1, 50, 150, 10)).map(({ number }) => number)).toEqual([2]);
      const leaves = await again.leavesOf(1);
      expect(rootOfLeaves(leaves)).toBe(first.seal.root);
      expect(await again.leavesOf(2)).toEqual([]);
      const group = await again.sealedGroup(1, leafKey(1, 'x'));
      expect(group).toMatchObject({ state: 'kept', salt: 'salt', records: 1, root: rootOfRecords('salt', ['1']) });
      expect(new TextDecoder().decode(group?.body)).toBe('1');
      expect(await again.sealedGroup(1, leafKey(1, 'z'))).toBeUndefined();
      expect((await again.unconfirmedSeals(10)).map(({ number }) => number)).toEqual([1, 2]);
      await again.confirmSeal(1);
      expect((await again.unconfirmedSeals(10)).map(({ number }) => number)).toEqual([2]);
    }));

  test('records of an erased client and of old seals go; their leaves stay, so that the roots hold', () =>
    onStore(newPlace, async (log) => {
      const of = (client: string): CallRecord => callRecord({ attemptId: `1-${client}`, client });
      const seals = [
        sealOf(1, [of('gone'), of('stays')], { fromMs: 0, toMs: 100 }),
        sealOf(2, [of('gone'), of('stays')], { fromMs: 100, toMs: 200 }),
      ];
      for (const seal of seals) await log.addSeal(seal);
      await log.erase('gone', 10);
      expect(await log.expireSeals(100)).toEqual([1]);
      expect(await log.expireSeals(100)).toEqual([]);
      const told = async (number: number, client: string): Promise<unknown> => {
        const { state, salt, body } = (await log.sealedGroup(number, leafKey(number, client))) ?? {};
        return [state, salt, body !== undefined];
      };
      expect(await told(1, 'gone')).toEqual(['erased', '', false]);
      expect(await told(2, 'gone')).toEqual(['erased', '', false]);
      expect(await told(1, 'stays')).toEqual(['expired', '', false]);
      expect(await told(2, 'stays')).toEqual(['kept', 'salt', true]);
      for (const { seal } of seals) expect(rootOfLeaves(await log.leavesOf(seal.number))).toBe(seal.root);
    }));

  test('the ranked sets behind decisions are told, of those that are here', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([
        { kind: 'decision', decision: decision({ decisionId: 'd1', setId: 's1' }) },
        { kind: 'decision', decision: decision({ decisionId: 'd2', setId: 'lost' }) },
        { kind: 'set', set: namedSet('s1') },
      ]);
      const { candidates } = namedSet().set;
      expect(await log.basisOf(['d1', 'd2', 'd3'])).toEqual([{ decisionId: 'd1', setId: 's1', candidates }]);
    }));
}
