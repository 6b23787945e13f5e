import type { DecisionRecord, NamedSet } from '@will/core';
import type { Collection, Db } from 'mongodb';
import type { CallLog } from '../call-log.ts';
import { parse, stringify } from '../json.ts';
import { mergeFacts } from '../merge-facts.ts';
import type { Netted } from '../netted.ts';
import { insertNew, removeSome } from './bulk.ts';
import { commandLimitMs } from './connect.ts';

interface DecisionDocument {
  readonly _id: string;
  readonly taskId: string;
  readonly setId: string;
  readonly atMs: number;
  readonly client: string;
  /** JSON. */
  readonly body: string;
}
interface SetDocument {
  readonly _id: string;
  readonly client: string;
  readonly validUntilMs: number;
  /** JSON; they stand in the body too. */
  readonly facts: string;
  /** JSON. */
  readonly body: string;
}

const maxTime = { maxTimeMS: commandLimitMs };

/** Decisions, and the ranked sets behind them. */
export class MongoDecisions {
  readonly #decisions: Collection<DecisionDocument>;
  readonly #sets: Collection<SetDocument>;

  constructor(database: Db) {
    this.#decisions = database.collection('decisions');
    this.#sets = database.collection('ranked_sets');
  }

  /** Stores those that are not here yet. Sets and decisions hang on nothing, so they go at the same time. */
  async add({ decisions, sets }: Pick<Netted, 'decisions' | 'sets'>): Promise<void> {
    await Promise.all([
      insertNew(this.#sets, sets.map(setDocument)),
      insertNew(this.#decisions, decisions.map(decisionDocument)),
    ]);
  }

  async decision(by: { readonly decisionId: string } | { readonly taskId: string }): ReturnType<CallLog['decision']> {
    const found = await this.#decisions.findOne('decisionId' in by ? { _id: by.decisionId } : { taskId: by.taskId }, {
      ...maxTime,
      sort: { atMs: -1, _id: 1 },
    });
    if (!found) return undefined;
    const set = await this.#sets.findOne({ _id: found.setId }, maxTime);
    return {
      decision: parse<DecisionRecord>(found.body),
      set: set ? { setId: set._id, set: parse<NamedSet['set']>(set.body) } : undefined,
    };
  }

  async recentFacts(sinceMs: number, maxDecisions: number, maxSets: number): ReturnType<CallLog['recentFacts']> {
    const decisions = await this.#decisions
      .find({ atMs: { $gte: sinceMs } }, { ...maxTime, projection: { setId: 1, atMs: 1 } })
      .sort({ atMs: -1 })
      .limit(maxDecisions + 1)
      .toArray();
    const bySet = countBySet(decisions.slice(0, maxDecisions));
    const examined = bySet.slice(0, maxSets);
    const sets = await this.#sets
      .find({ _id: { $in: examined.map(([setId]) => setId) } }, { ...maxTime, projection: { facts: 1 } })
      .toArray();
    const factsOf = new Map(sets.map(({ _id, facts }) => [_id, facts]));
    const counted = examined.flatMap(([setId, count]) => {
      const facts = factsOf.get(setId);
      return facts === undefined ? [] : [{ facts, decisions: count }];
    });
    return {
      recent: mergeFacts(counted),
      isPartial: bySet.length > maxSets || decisions.length > maxDecisions,
    };
  }

  /** Removes decisions of before an instant. @returns how many went */
  prune(beforeMs: number, limit: number): Promise<number> {
    return removeSome(this.#decisions, { atMs: { $lt: beforeMs } }, limit);
  }

  /** Removes sets that ended before an instant. */
  async pruneSets(beforeMs: number): Promise<void> {
    await this.#sets.deleteMany({ validUntilMs: { $lt: beforeMs } });
  }

  async erase(client: string): Promise<void> {
    await this.#decisions.deleteMany({ client });
    await this.#sets.deleteMany({ client });
  }
}

const setDocument = ({ setId, set }: Netted['sets'][number]): SetDocument => ({
  _id: setId,
  client: set.facts.client,
  validUntilMs: set.validUntilMs,
  facts: stringify(set.facts),
  body: stringify(set),
});

function decisionDocument(decision: Netted['decisions'][number]): DecisionDocument {
  const { decisionId: _id, taskId, setId, atMs, client } = decision;
  return { _id, taskId, setId, atMs, client, body: stringify(decision) };
}

/** Sets with how often they were decided on; newest decision first, then by name. */
function countBySet(decisions: readonly Pick<DecisionDocument, 'setId' | 'atMs'>[]): readonly [string, number][] {
  const counts = new Map<string, number>();
  for (const { setId } of decisions) counts.set(setId, (counts.get(setId) ?? 0) + 1);
  return [...counts];
}
