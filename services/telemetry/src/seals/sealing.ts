import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import type { CallRecord, Snapshot } from '@will/core';
import {
  hourMs,
  leafKey,
  rootOfLeaves,
  rootOfRecords,
  type CallLog,
  type DecisionBasis,
  type NewGroup,
  type Seal,
} from '@will/store';
import type { StreamProgress } from '../ports.ts';
import type { InTurn } from '../turns.ts';
import { placesIn, sealedCall, type ModelPlace } from './sealed-call.ts';

/** An hour is sealed so long after its end: calls that began in it are over by then, nearly all. */
const latenessMs = 300_000;
/** Bounds memory and the time of one transaction; what is more goes into the next seal. */
const defaultRecordsPerSeal = 20_000;
const decisionsPerQuestion = 500;
const sealsPerTurn = 1_000;

export interface SealingDeps {
  readonly log: CallLog;
  readonly progress: StreamProgress;
  readonly snapshot: () => Snapshot | undefined;
  readonly nowMs: () => number;
  /** Shared with what erases: records of an erased client must not come into a seal meanwhile. */
  readonly inTurn: InTurn;
  /** More go into the next seal. Default 20,000. */
  readonly recordsPerSeal?: number;
  /** Writes an entry of the audit log. Resolves once it is on the disk. */
  readonly note: (words: {
    readonly action: string;
    readonly object: string;
    readonly detail: string;
  }) => Promise<void>;
}

/** Puts closed call records under digests, and the digests into the audit log. Steps run one after the other. */
export class Sealing {
  readonly #deps: SealingDeps;

  constructor(deps: SealingDeps) {
    this.#deps = deps;
  }

  /** Seals each hour that is over, and tells the audit log of what it was not told yet. @returns how many seals were made */
  run(): Promise<number> {
    const { inTurn, nowMs } = this.#deps;
    return inTurn(async () => {
      const untilMs = Math.floor((nowMs() - latenessMs) / hourMs) * hourMs;
      return (await this.#readUntilMs()) >= untilMs ? this.#sealUntil(untilMs) : 0;
    });
  }

  /** Seals what is closed now. @returns the newest seal; undefined: no call was ever recorded */
  sealNow(): Promise<Seal | undefined> {
    const { inTurn, log } = this.#deps;
    return inTurn(async () => {
      await this.#sealUntil(await this.#readUntilMs());
      return log.lastSeal();
    });
  }

  /** Removes sealed records by their age, as other calls are. */
  expire(beforeMs: number): Promise<void> {
    return this.#deps.inTurn(async () => {
      const numbers = await this.#deps.log.expireSeals(beforeMs);
      const [first, last] = [numbers[0], numbers.at(-1)];
      if (first === undefined || last === undefined) return;
      const detail = `first=${first} last=${last}`;
      await this.#deps.note({ action: 'seals.expired', object: `seal ${last}`, detail });
    });
  }

  /** Records of before are here; 0: not known. */
  async #readUntilMs(): Promise<number> {
    return (await this.#deps.progress.readUntilMs()) ?? 0;
  }

  async #sealUntil(untilMs: number): Promise<number> {
    let made = 0;
    while (await this.#sealOne(untilMs)) made += 1;
    await this.#tellTheAuditLog();
    return made;
  }

  /** @returns whether one was made: something is sealed, or an hour without calls after one that was sealed */
  async #sealOne(untilMs: number): Promise<boolean> {
    const { log, recordsPerSeal = defaultRecordsPerSeal } = this.#deps;
    const [last, records] = await Promise.all([log.lastSeal(), log.unsealed(untilMs, recordsPerSeal)]);
    const startMs = last?.toMs ?? records[0]?.startedAtMs;
    if (startMs === undefined || (records.length === 0 && startMs >= untilMs)) return false;
    const number = (last?.number ?? 0) + 1;
    const groups = await this.#groupsOf(number, records);
    const newest = records.at(-1)?.startedAtMs ?? 0;
    const seal: Seal = {
      number,
      fromMs: Math.min(startMs, records[0]?.startedAtMs ?? startMs),
      toMs: Math.max(startMs, records.length < recordsPerSeal ? untilMs : newest + 1),
      root: rootOfLeaves(groups),
      records: records.length,
      clients: groups.length,
    };
    return log.addSeal({ seal, groups, sealed: records });
  }

  /** By key, as their leaves stand in the tree. */
  async #groupsOf(number: number, records: readonly CallRecord[]): Promise<readonly NewGroup[]> {
    const bases = await this.#basesOf(records);
    const places = placesIn(this.#deps.snapshot());
    const groups: NewGroup[] = [];
    for (const [client, ofClient] of Map.groupBy(records, (record) => record.client))
      groups.push(
        await groupOf(
          number,
          client,
          ofClient.map((record) => textOf(record, bases, places)),
        ),
      );
    return groups.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async #basesOf(records: readonly CallRecord[]): Promise<ReadonlyMap<string, DecisionBasis>> {
    const ids = [...new Set(records.flatMap(({ decisionId }) => decisionId ?? []))];
    const bases = new Map<string, DecisionBasis>();
    for (let from = 0; from < ids.length; from += decisionsPerQuestion)
      for (const basis of await this.#deps.log.basisOf(ids.slice(from, from + decisionsPerQuestion)))
        bases.set(basis.decisionId, basis);
    return bases;
  }

  /** A seal that the registry stored and could not confirm stands there twice, word for word. */
  async #tellTheAuditLog(): Promise<void> {
    const { log, note } = this.#deps;
    for (const seal of await log.unconfirmedSeals(sealsPerTurn)) {
      const { number, root, records, clients, fromMs, toMs } = seal;
      const detail = `root=${root} records=${records} clients=${clients} from=${fromMs} to=${toMs}`;
      await note({ action: 'calls.sealed', object: `seal ${number}`, detail });
      await log.confirmSeal(number);
    }
  }
}

function textOf(
  record: CallRecord,
  bases: ReadonlyMap<string, DecisionBasis>,
  places: ReadonlyMap<string, ModelPlace>,
): string {
  const { decisionId = '', model = '' } = record;
  return sealedCall(record, bases.get(decisionId), places.get(model));
}

const compress = promisify(deflateRaw);

async function groupOf(number: number, client: string, texts: readonly string[]): Promise<NewGroup> {
  const salt = randomBytes(16).toString('hex');
  return {
    key: leafKey(number, client),
    client,
    records: texts.length,
    root: rootOfRecords(salt, texts),
    salt,
    body: await compress(texts.join('\n')),
  };
}
