import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary } from '../binary.ts';
import { ByteReader } from '../codecs/byte-reader.ts';
import { callOf, noEnd } from '../gen/call-records.ts';
import * as wire from '../messages.ts';

type Kind = wire.Event['kind'];

/** A filter of events; the others are passed over undecoded. */
export type WantedEvents = Readonly<Partial<Record<NonNullable<Kind['case']>, true>>>;

const everything: WantedEvents = { call: true, intent: true, decision: true, rankedSet: true, feedback: true };

/**
 * Tells the events of a batch, in its order, be they rows or whole. A row that names a scope which is not there is told
 * without an id, so that the one that checks events drops it alone. @throws these bytes are no batch; events before the fault
 * were told.
 */
export function readEvents(data: Uint8Array, tell: (kind: Kind) => unknown, wanted: WantedEvents = everything): void {
  const reader = new ByteReader(data, Number.POSITIVE_INFINITY);
  const rows = new Rows();
  while (reader.at < data.length) {
    const tag = reader.tag();
    if (tag === 18) tellWhole(reader.bytes(), tell, wanted);
    else if (tag === 26) rows.scopes.push(reader.bytes());
    else if (tag === 34) rows.endings.push(reader.bytes());
    else if (tag === 42 && wanted.call) tell({ case: 'call', value: rows.call(reader.bytes()) });
    else if (tag === 50 && wanted.intent) tell({ case: 'intent', value: rows.intent(reader.bytes()) });
    else if (tag === 58) rows.decisionScopes.push(reader.bytes());
    else if (tag === 66 && wanted.decision) tell({ case: 'decision', value: rows.decision(reader.bytes()) });
    else if (tag === 66 && wanted.intent) rows.decision(reader.bytes());
    else reader.unknown(tag);
  }
}

/** By its tag, which is the first byte of an event. */
const kinds: ReadonlyMap<number | undefined, NonNullable<Kind['case']>> = new Map([
  [10, 'call'],
  [18, 'intent'],
  [26, 'decision'],
  [34, 'rankedSet'],
  [42, 'feedback'],
  [50, 'modelChange'],
]);

function tellWhole(data: Uint8Array, tell: (kind: Kind) => unknown, wanted: WantedEvents): void {
  const kind = kinds.get(data[0]);
  if (kind === undefined || wanted[kind]) tell(fromBinary(wire.EventSchema, data).kind);
}

/** What a batch holds once for many rows, as far as it was read. */
class Rows {
  readonly scopes: Uint8Array[] = [];
  readonly endings: Uint8Array[] = [];
  readonly decisionScopes: Uint8Array[] = [];
  readonly #decisions: wire.DecisionRow[] = [];

  call(data: Uint8Array): wire.CallRecord {
    const row = fromBinary(wire.CallRowSchema, data);
    const scope = callScopes.at(this.scopes, row.scope);
    const ending = callEndings.at(this.endings, row.ending);
    if (!scope || !ending) return { ...callOf(row, row, noScope, noEnding), attemptId: '' };
    return callOf(row, row, scope, ending);
  }

  intent(data: Uint8Array): wire.AttemptIntent {
    const row = fromBinary(wire.IntentRowSchema, data);
    const scope = callScopes.at(this.scopes, row.scope);
    const of = row.decision === 0 ? row : this.#decisions[row.decision - 1];
    const intent: wire.AttemptIntent = { $typeName: 'will.v1.AttemptIntent', deadlineUnixMs: row.deadlineUnixMs };
    if (scope && of) intent.record = callOf({ ...noEnd, ...row }, of, scope, noEnding);
    return intent;
  }

  decision(data: Uint8Array): wire.DecisionRecord {
    const row = fromBinary(wire.DecisionRowSchema, data);
    this.#decisions.push(row);
    const scope = decisionScopes.at(this.decisionScopes, row.scope);
    const { taskId, atUnixMs, seed, session } = row;
    return {
      $typeName: 'will.v1.DecisionRecord',
      decisionId: scope ? row.decisionId : '',
      taskId,
      setId: scope?.setId ?? '',
      revision: scope?.revision ?? 0n,
      atUnixMs,
      order: scope?.order ?? [],
      skipped: scope?.skipped ?? [],
      seed,
      client: scope?.client ?? '',
      taskType: scope?.taskType ?? '',
      live: scope?.live ?? [],
      stateDigest: scope?.stateDigest ?? '',
      setDecidedUnixMs: scope?.setDecidedUnixMs ?? 0n,
      ignoredFields: scope?.ignoredFields ?? [],
      notices: scope?.notices ?? [],
      ...(session && { session }),
    };
  }
}

const noScope = fromBinary(wire.CallScopeSchema, new Uint8Array(0));
const noEnding = fromBinary(wire.CallEndingSchema, new Uint8Array(0));

const maxDecoded = 1_000;

/** Decodes what comes in batch after batch once. */
class Decoded<Schema extends DescMessage> {
  readonly #schema: Schema;
  readonly #known = new Map<string, MessageShape<Schema>>();
  /** The bytes that were asked for last, most often by the row before. */
  #last: { readonly data: Uint8Array; readonly message: MessageShape<Schema> } | undefined;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** Undefined: nothing stands there. @throws it cannot be decoded. */
  at(all: readonly Uint8Array[], place: number): MessageShape<Schema> | undefined {
    const data = all[place];
    if (!data) return undefined;
    if (this.#last?.data !== data) this.#last = { data, message: this.#of(data) };
    return this.#last.message;
  }

  #of(data: Uint8Array): MessageShape<Schema> {
    const key = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const message = fromBinary(this.#schema, data);
    if (this.#known.size >= maxDecoded) this.#known.clear();
    this.#known.set(key, message);
    return message;
  }
}

const callScopes = new Decoded(wire.CallScopeSchema);
const callEndings = new Decoded(wire.CallEndingSchema);
const decisionScopes = new Decoded(wire.DecisionScopeSchema);
