import {
  maxCostTagKeys,
  recordWriters,
  type AttemptIntent,
  type CallRecord,
  type DecisionRecord,
  type ExclusionRule,
  type Facts,
  type NamedSet,
  type Outcome,
  quote,
} from '@will/core';
import {
  dataClassFromWire,
  factsFromWire,
  isOpaqueId,
  plainCallFromWire,
  recordPriceFromWire,
  priorityFromWire,
  usageFromWire,
  readEvents,
  type WantedEvents,
  type wire,
  candidateFromWire,
  rankingFromWire,
  sessionFromWire,
} from '@will/contracts';
import type { LogEvent } from '@will/store';

/** An event, or a whole message, that cannot be what it claims. `kind` is from a fixed list, fit for a counter. */
export class MalformedEvent extends Error {
  override readonly name = 'MalformedEvent';
  readonly kind: string;
  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * The events of one message. A bad event does not take the good ones of its batch with it: it is told to `onMalformed`.
 * @throws {MalformedEvent} the message as a whole cannot be read.
 */
export function eventsFromWire(data: Uint8Array, onMalformed: (error: MalformedEvent) => void): readonly LogEvent[] {
  const events: LogEvent[] = [];
  const take = (kind: wire.Event['kind']): void => {
    try {
      const event = eventFromWire(kind);
      if (event) events.push(event);
    } catch (error) {
      if (!(error instanceof MalformedEvent)) throw error;
      onMalformed(error);
    }
  };
  try {
    readEvents(data, take, kept);
  } catch (cause) {
    throw new MalformedEvent('batch', `${data.length} bytes are no batch of events`, { cause });
  }
  return events;
}

/** Statistics are made of feedback, by policy; nothing of the log. */
const kept: WantedEvents = { call: true, intent: true, decision: true, rankedSet: true };

/** An event of a kind that this release does not know is left out: a newer service speaks it. */
function eventFromWire(kind: wire.Event['kind']): LogEvent | undefined {
  if (kind.case === 'call') return { kind: 'call', record: recordFromWire(kind.value) };
  if (kind.case === 'intent') return { kind: 'intent', intent: intentFromWire(kind.value) };
  if (kind.case === 'decision') return { kind: 'decision', decision: decisionFromWire(kind.value) };
  return kind.case === 'rankedSet' ? { kind: 'set', set: setFromWire(kind.value) } : undefined;
}

function recordFromWire(
  record: wire.CallRecord,
  { outcome, writtenBy }: Pick<wire.CallRecord, 'outcome' | 'writtenBy'> = record,
): CallRecord {
  return {
    ...plainCallFromWire(record),
    attemptId: id('attempt id', record.attemptId),
    taskId: id('task id', record.taskId),
    decisionId: record.decisionId === '' ? undefined : id('decision id', record.decisionId),
    revision: whole('revision', record.revision),
    dataClass: dataClassFromWire(record.dataClass),
    priority: priorityFromWire(record.priority),
    startedAtMs: whole('start', record.startedUnixMs),
    outcome: oneOf('outcome', ['Success', 'Timeout', 'Blocked'] as const satisfies readonly Outcome[], outcome),
    ...(vendorCodePattern.test(record.vendorCode) && { vendorCode: record.vendorCode }),
    usage: record.usage && usageFromWire(record.usage),
    costNanoUsd: record.costNanoUsd,
    price: recordPriceFromWire(record, (amount) => whole('price', amount)),
    writtenBy: oneOf('writer', recordWriters, writtenBy),
    ...(record.costTags.length > 0 && { costTags: record.costTags.slice(0, maxCostTagKeys) }),
  };
}

const vendorCodePattern = /^[A-Za-z0-9_.-]{1,64}$/;

function intentFromWire({ record, deadlineUnixMs }: wire.AttemptIntent): AttemptIntent {
  if (!record) throw new MalformedEvent('intent', 'an intent without a record');
  const deadlineMs = whole('deadline', deadlineUnixMs);
  if (deadlineMs === 0)
    throw new MalformedEvent('deadline', `the intent of attempt ${record.attemptId} has no deadline`);
  // An intent has no outcome yet; what stands there is never read.
  return { record: recordFromWire(record, { outcome: 'Timeout', writtenBy: 'telemetry' }), deadlineMs };
}

function decisionFromWire(decision: wire.DecisionRecord): DecisionRecord {
  return {
    decisionId: id('decision id', decision.decisionId),
    taskId: id('task id', decision.taskId),
    setId: decision.setId,
    revision: whole('revision', decision.revision),
    atMs: whole('instant', decision.atUnixMs),
    order: decision.order,
    skipped: decision.skipped.map(({ model, reason }) => ({ model, reason })),
    seed: decision.seed,
    client: decision.client,
    taskType: decision.taskType,
    live: decision.live.map(({ model, unserved, coolingUntilUnixMs }) => ({
      model,
      unserved: orUndefined(unserved),
      coolingUntilMs: whole('cooling until', coolingUntilUnixMs),
    })),
    stateDigest: decision.stateDigest,
    setDecidedAtMs: whole('instant of the set', decision.setDecidedUnixMs),
    ...(decision.ignoredFields.length > 0 && { ignoredFields: decision.ignoredFields }),
    ...(decision.notices.length > 0 && { notices: decision.notices }),
    ...(decision.session && { session: sessionFromWire(decision.session) }),
  };
}

function setFromWire(set: wire.RankedSet): NamedSet {
  if (set.setId === '') throw new MalformedEvent('set id', 'a ranked set without an id');
  if (!set.facts) throw new MalformedEvent('set', `set ${set.setId} without facts`);
  const edgeMs = whole('schedule edge', set.scheduleEdgeUnixMs);
  return {
    setId: set.setId,
    set: {
      revision: whole('revision', set.revision),
      facts: factsFromWire(set.facts) satisfies Facts,
      dataClass: dataClassFromWire(set.dataClass) ?? 'customer-sensitive',
      candidates: set.candidates.map(candidateFromWire),
      exclusions: set.exclusions.map(({ model, rule, detail }) => ({ model, rule: rule as ExclusionRule, detail })),
      notes: set.notes,
      scheduleEdgeMs: edgeMs === 0 ? undefined : edgeMs,
      validUntilMs: whole('valid until', set.validUntilUnixMs),
      decidedAtMs: whole('instant', set.decidedUnixMs),
      waitMs: set.waitMs,
      ...(set.ranking && { ranking: rankingFromWire(set.ranking) }),
    },
  };
}

const orUndefined = (text: string): string | undefined => (text === '' ? undefined : text);

function id(kind: string, value: string): string {
  if (!isOpaqueId(value)) throw new MalformedEvent(kind, `${kind} ${quote(value)} must be 1 to 64 of A-Z a-z 0-9 _ -`);
  return value;
}

function whole(kind: string, value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new MalformedEvent(kind, `${kind} ${value} must be between 0 and ${Number.MAX_SAFE_INTEGER}`);
  return Number(value);
}

function oneOf<T extends string>(kind: string, allowed: readonly T[], value: string): T {
  const found = allowed.find((known) => known === value);
  if (found === undefined)
    throw new MalformedEvent(kind, `${kind} ${quote(value)} must be one of ${allowed.join(', ')}`);
  return found;
}
