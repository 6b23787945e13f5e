import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  decisionToWire,
  newId,
  rankedSetFromWire,
  rankedSetId,
  rankedSetToWire,
  replayKept,
  wire,
} from '@will/contracts';
import { type AnyDocument, decide, type Facts, type LiveState, select } from '@will/core';
import { openCallLog } from '@will/store';
import { expect, test } from 'vitest';
import { busRecords } from '../../services/router/src/adapters/bus-records.ts';
import { eventsFromWire } from '../../services/telemetry/src/adapters/events-from-wire.ts';
import { compileRevision } from './house.ts';
import { Random } from './random.ts';
import { addresses, makeDocuments, makeTask, type WorldTask } from './world.ts';

// Decisions in random worlds go the whole way of a record: policy's answer, router, batch, telemetry, store, question.

const wanted = Number(process.env['WILL_REPLAY_CASES'] ?? 1_000);
const noonMs = Date.UTC(2026, 10, 23, 12);

const factsOf = (task: WorldTask): Facts => ({
  taskType: task.type,
  client: task.client,
  project: task.project,
  reflex: task.reflex,
  priority: task.priority,
  dataClass: task.dataClass,
  model: task.model,
  input: task.inputModalities.length > 0 ? task.inputModalities : ['text'],
  output: ['text'],
  needs: task.needs,
  inputTokens: task.inputTokens,
  maxOutputTokens: task.maxOutputIsExact ? task.maxOutputTokens : 0,
});

function makeState(random: Random, atMs: number): LiveState {
  const slugs = [...Array.from({ length: 8 }, (_, n) => `m${n}`), 'elsewhere'];
  const ends = [Number.POSITIVE_INFINITY, atMs, atMs + 0.4, atMs + 1, atMs - 1, atMs + 60_000, 0, -1];
  return {
    unserved: new Map(random.some(slugs, 0.25).map((slug) => [slug, random.pick(['no key', 'the file is missing'])])),
    coolingUntilMs: new Map(random.some(slugs, 0.3).map((slug) => [slug, random.pick(ends)])),
  };
}

/** What the router gets: policy's answer as it comes off the wire. */
function answerOf(documents: readonly AnyDocument[], revision: number, facts: Facts, judgedMs: number) {
  const set = decide(compileRevision(revision, documents).snapshot, facts, judgedMs);
  const bytes = toBinary(wire.RankedSetSchema, rankedSetToWire({ setId: rankedSetId(set), set }));
  const message = fromBinary(wire.RankedSetSchema, bytes);
  return { setId: message.setId, set: rankedSetFromWire(message) };
}

test('every decision, in random worlds and live states, is made again to the last bit from what is kept of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'will-replay-'));
  const log = await openCallLog(join(folder, 'calls.sqlite'));
  try {
    const worlds = new Map<string, { documents: readonly AnyDocument[]; revision: number }>();
    const events: wire.Event[] = [];
    const records = busRecords({ add: (event) => void events.push(event) });
    for (let seed = 1; seed <= wanted; seed += 1) {
      const random = new Random(seed);
      // On both sides of a window's edge, of a tag's expiry and of a model's retirement.
      const judgedMs = noonMs + random.below(120_000) - 60_000;
      const documents = makeDocuments(random, { addresses, mayBeFiles: true, nowMs: noonMs });
      const decided = answerOf(documents, seed, factsOf(makeTask(random)), judgedMs);
      // A set is kept for a while, and the router's clock may be behind policy's.
      const atMs = judgedMs + random.below(62_000) - 2_000;
      const [live, drawn] = [makeState(random, atMs), random.below(2 ** 32)];
      const decisionId = newId();
      const chosen = select(decided.set, live, { seed: drawn, nowMs: atMs });
      records.decided(newId(), decisionId, decided, { selection: chosen, live, seed: drawn, atMs });
      worlds.set(decisionId, { documents, revision: seed });
    }
    for (let from = 0; from < events.length; from += 500) {
      const batch = create(wire.EventBatchSchema, { source: 'router', events: events.slice(from, from + 500) });
      await log.ingest(
        eventsFromWire(toBinary(wire.EventBatchSchema, batch), (error) => {
          throw error;
        }),
      );
    }
    const seen = { skipped: 0, excluded: 0, blocked: 0 };
    for (const [decisionId, { documents, revision }] of worlds) {
      const kept = await log.decision({ decisionId });
      if (!kept?.set) throw new Error(`decision ${decisionId} is not kept`);
      const { snapshot } = compileRevision(revision, documents);
      const { differences, again } = replayKept(snapshot, decisionToWire(kept.decision), rankedSetToWire(kept.set));
      expect(differences, `WILL_REPLAY seed ${revision}`).toEqual([]);
      if (again.selection.skipped.length > 0) seen.skipped += 1;
      if (again.set.exclusions.length > 0) seen.excluded += 1;
      if (again.selection.order.length === 0) seen.blocked += 1;
    }
    // Cases that show nothing would be green too.
    expect(worlds.size).toBe(wanted);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(wanted / 10);
  } finally {
    await log.close();
    await rm(folder, { recursive: true });
  }
});
