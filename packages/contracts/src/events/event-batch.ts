import { toBinary } from '../binary.ts';
import { callRowOf, encodeCallEnding, encodeCallScope, keyCallEnding, keyCallScope } from '../gen/call-records.ts';
import * as wire from '../messages.ts';

const lengthDelimited = 2;
const maxKnown = 1_000;

/** What rows have in common, by what tells it apart; each is encoded once, and stands in each batch once. */
class Dictionary {
  readonly #field: number;
  readonly #known = new Map<string, { readonly bytes: Uint8Array; batch: number; place: number }>();
  #batch = 0;
  #places = 0;

  constructor(field: number) {
    this.#field = field;
  }

  /** The next batch holds nothing yet. */
  nextBatch(): void {
    this.#batch += 1;
    this.#places = 0;
  }

  /** Where it stands among those of this batch. It is put into the batch where it does not stand there yet. */
  place<T>(key: string, value: T, encode: (value: T) => Uint8Array, fields: Fields): number {
    const known = this.#known.get(key) ?? this.#add(key, encode(value));
    if (known.batch === this.#batch) return known.place;
    fields.add(this.#field, known.bytes);
    known.batch = this.#batch;
    known.place = this.#places++;
    return known.place;
  }

  #add(key: string, encoded: Uint8Array) {
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

/** Events on their way into one `EventBatch`: encoded as they are added, so that none of them is kept as an object. */
export class EventBatchWriter {
  readonly #source: Uint8Array;
  readonly #fields = new Fields();
  readonly #scopes = new Dictionary(3);
  readonly #endings = new Dictionary(4);
  readonly #decisionScopes = new Dictionary(7);
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
    const scope = this.#scopes.place(keyCallScope(call), call, encodeCallScope, this.#fields);
    const ending = this.#endings.place(keyCallEnding(call), call, encodeCallEnding, this.#fields);
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
      scope: this.#scopes.place(keyCallScope(record), record, encodeCallScope, this.#fields),
      attempt: record.attempt,
      startedUnixMs: record.startedUnixMs,
      deadlineUnixMs,
      costNanoUsd: record.costNanoUsd,
      usage: record.usage,
    };
    this.#fields.add(6, toBinary(wire.IntentRowSchema, row));
  }

  #decision(decision: wire.DecisionRecord): void {
    const key = decisionScopeKey(decision);
    const row: wire.DecisionRow = {
      $typeName: 'will.v1.DecisionRow',
      decisionId: decision.decisionId,
      taskId: decision.taskId,
      scope: this.#decisionScopes.place(key, decision, encodeDecisionScope, this.#fields),
      atUnixMs: decision.atUnixMs,
      seed: decision.seed,
      ...(decision.session && { session: decision.session }),
    };
    this.#fields.add(8, toBinary(wire.DecisionRowSchema, row));
    this.#decisions.set(decision.decisionId, { taskId: decision.taskId, place: this.#decisionRows++ });
  }
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
