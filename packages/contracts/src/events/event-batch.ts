import { isSameList } from '@will/core';
import { toBinary } from '../binary.ts';
import {
  callRowOf,
  encodeCallEnding,
  encodeCallScope,
  isSameCallEnding,
  isSameCallScope,
  keyCallEnding,
  keyCallScope,
} from '../gen/call-records.ts';
import * as wire from '../messages.ts';

const lengthDelimited = 2;
const maxKnown = 1_000;

/** What rows have in common, as it is read of one of them. */
interface Common<T> {
  key(row: T): string;
  /** Never where their keys differ; where it is false they may be the same all the same. */
  isSame(row: T, other: T): boolean;
  encode(row: T): Uint8Array;
}

interface Known {
  readonly bytes: Uint8Array;
  batch: number;
  place: number;
}

/** What rows have in common, by what tells it apart; each is encoded once, and stands in each batch once. */
class Dictionary<T> {
  readonly #field: number;
  readonly #common: Common<T>;
  readonly #known = new Map<string, Known>();
  /** Of the row before: most often the next one has the same, and needs no key. */
  #last: { readonly row: T; readonly known: Known } | undefined;
  #batch = 0;
  #places = 0;

  constructor(field: number, common: Common<T>) {
    this.#field = field;
    this.#common = common;
  }

  /** The next batch holds nothing yet. */
  nextBatch(): void {
    this.#batch += 1;
    this.#places = 0;
  }

  /** Where it stands among those of this batch. It is put into the batch where it does not stand there yet. */
  place(row: T, fields: Fields): number {
    const known = this.#knownOf(row);
    if (known.batch === this.#batch) return known.place;
    fields.add(this.#field, known.bytes);
    known.batch = this.#batch;
    known.place = this.#places++;
    return known.place;
  }

  #knownOf(row: T): Known {
    if (this.#last && this.#common.isSame(this.#last.row, row)) return this.#last.known;
    const key = this.#common.key(row);
    const known = this.#known.get(key) ?? this.#add(key, this.#common.encode(row));
    this.#last = { row, known };
    return known;
  }

  #add(key: string, encoded: Uint8Array): Known {
    if (this.#known.size >= maxKnown) this.#known.clear();
    // A copy of its own: what it was written into holds other messages, too.
    const added = { bytes: encoded.slice(), batch: -1, place: 0 };
    this.#known.set(key, added);
    return added;
  }
}

/** Length-delimited fields of one message, in their order. */
class Fields {
  readonly #parts: [field: number, bytes: Uint8Array][] = [];
  #size = 0;

  /** Of the message, at most. */
  get size(): number {
    return this.#size;
  }

  add(field: number, bytes: Uint8Array): void {
    this.#parts.push([field, bytes]);
    this.#size += bytes.length + 1 + varintBytes;
  }

  take(): Uint8Array {
    const message = new Uint8Array(this.#size);
    let at = 0;
    for (const [field, bytes] of this.#parts) {
      message[at++] = field * 8 + lengthDelimited;
      at = writeVarint(message, at, bytes.length);
      message.set(bytes, at);
      at += bytes.length;
    }
    this.#parts.length = 0;
    this.#size = 0;
    return message.subarray(0, at);
  }
}

const varintBytes = 4;

function writeVarint(bytes: Uint8Array, from: number, value: number): number {
  let [at, left] = [from, value];
  for (; left > 0x7f; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80;
  bytes[at++] = left;
  return at;
}

const decisionScopeKey = (decision: wire.DecisionRecord): string =>
  `${decision.setId}\0${decision.stateDigest}\0${decision.revision} ${decision.setDecidedUnixMs}\0${decision.client}\0${decision.taskType}\0${decision.order.join('\0')}\0\0${decision.ignoredFields.join('\0')}\0\0${decision.notices.join('\0')}\0\0${decision.skipped.map(({ model, reason }) => `${model}\0${reason}`).join('\0')}`;

const encodeDecisionScope = (decision: wire.DecisionRecord): Uint8Array =>
  toBinary(wire.DecisionScopeSchema, {
    $typeName: 'will.v1.DecisionScope',
    setId: decision.setId,
    revision: decision.revision,
    order: decision.order,
    skipped: decision.skipped,
    client: decision.client,
    taskType: decision.taskType,
    live: decision.live,
    stateDigest: decision.stateDigest,
    setDecidedUnixMs: decision.setDecidedUnixMs,
    ignoredFields: decision.ignoredFields,
    notices: decision.notices,
  });

const isSameDecisionScope = (a: wire.DecisionRecord, b: wire.DecisionRecord): boolean =>
  a.setId === b.setId &&
  a.stateDigest === b.stateDigest &&
  a.revision === b.revision &&
  a.setDecidedUnixMs === b.setDecidedUnixMs &&
  a.client === b.client &&
  a.taskType === b.taskType &&
  isSameList(a.order, b.order) &&
  isSameList(a.ignoredFields, b.ignoredFields) &&
  isSameList(a.notices, b.notices) &&
  a.skipped.length === b.skipped.length &&
  a.skipped.every(({ model, reason }, at) => model === b.skipped[at]?.model && reason === b.skipped[at].reason);

const callScope: Common<wire.CallRecord> = {
  key: keyCallScope,
  isSame: isSameCallScope,
  encode: encodeCallScope,
};
const callEnding: Common<wire.CallRecord> = {
  key: keyCallEnding,
  isSame: isSameCallEnding,
  encode: encodeCallEnding,
};
const decisionScope: Common<wire.DecisionRecord> = {
  key: decisionScopeKey,
  isSame: isSameDecisionScope,
  encode: encodeDecisionScope,
};

/** Events on their way into one `EventBatch`: encoded as they are added, so that only the last of a kind is kept as an object. */
export class EventBatchWriter {
  readonly #source: Uint8Array;
  readonly #fields = new Fields();
  readonly #scopes = new Dictionary(3, callScope);
  readonly #endings = new Dictionary(4, callEnding);
  readonly #decisionScopes = new Dictionary(7, decisionScope);
  /** The decision rows of this batch, by decision. */
  readonly #decisions = new Map<string, { readonly taskId: string; readonly place: number }>();
  #decisionRows = 0;
  #events = 0;

  /** `source`: the process that writes. */
  constructor(source: string) {
    this.#source = new TextEncoder().encode(source);
    this.#begin();
  }

  get events(): number {
    return this.#events;
  }

  /** At most; a few bytes of each event are for its length. */
  get bytes(): number {
    return this.#fields.size;
  }

  /** @throws {Error} it cannot be encoded; what was added before stays. */
  add({ kind }: wire.Event): void {
    if (kind.case === 'call') this.#call(kind.value);
    else if (kind.case === 'intent') this.#intent(kind.value);
    else if (kind.case === 'decision') this.#decision(kind.value);
    else this.#fields.add(2, toBinary(wire.EventSchema, { $typeName: 'will.v1.Event', kind }));
    this.#events += 1;
  }

  /** The whole batch; the writer begins the next one. */
  take(): Uint8Array {
    const batch = this.#fields.take();
    this.#begin();
    return batch;
  }

  #begin(): void {
    for (const dictionary of [this.#scopes, this.#endings, this.#decisionScopes]) dictionary.nextBatch();
    this.#decisions.clear();
    this.#decisionRows = 0;
    this.#events = 0;
    this.#fields.add(1, this.#source);
  }

  #call(call: wire.CallRecord): void {
    const scope = this.#scopes.place(call, this.#fields);
    const ending = this.#endings.place(call, this.#fields);
    this.#fields.add(5, toBinary(wire.CallRowSchema, callRowOf(call, scope, ending)));
  }

  #intent({ record, deadlineUnixMs }: wire.AttemptIntent): void {
    if (!record) throw new TypeError('an intent without a record');
    const known = this.#decisions.get(record.decisionId);
    const decision = known?.taskId === record.taskId ? known : undefined;
    const row: wire.IntentRow = {
      $typeName: 'will.v1.IntentRow',
      attemptId: record.attemptId,
      decision: decision === undefined ? 0 : decision.place + 1,
      taskId: decision === undefined ? record.taskId : '',
      decisionId: decision === undefined ? record.decisionId : '',
      scope: this.#scopes.place(record, this.#fields),
      attempt: record.attempt,
      startedUnixMs: record.startedUnixMs,
      deadlineUnixMs,
      costNanoUsd: record.costNanoUsd,
      usage: record.usage,
    };
    this.#fields.add(6, toBinary(wire.IntentRowSchema, row));
  }

  #decision(decision: wire.DecisionRecord): void {
    const row: wire.DecisionRow = {
      $typeName: 'will.v1.DecisionRow',
      decisionId: decision.decisionId,
      taskId: decision.taskId,
      scope: this.#decisionScopes.place(decision, this.#fields),
      atUnixMs: decision.atUnixMs,
      seed: decision.seed,
      session: decision.session,
    };
    this.#fields.add(8, toBinary(wire.DecisionRowSchema, row));
    this.#decisions.set(decision.decisionId, { taskId: decision.taskId, place: this.#decisionRows++ });
  }
}
