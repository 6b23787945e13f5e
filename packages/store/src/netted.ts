import { replaces, type AttemptIntent, type CallRecord, type DecisionRecord, type NamedSet } from '@will/core';
import type { LogEvent } from './call-log.ts';

/** Events of a batch, each record once. */
export interface Netted {
  readonly calls: readonly CallRecord[];
  readonly intents: readonly AttemptIntent[];
  readonly decisions: readonly DecisionRecord[];
  readonly sets: readonly NamedSet[];
}

/** The rest of a batch when each attempt counts once; an intent whose record is there too is not needed at all. */
export function netted(events: readonly LogEvent[]): Netted {
  const calls = new Map<string, CallRecord>();
  const intents = new Map<string, AttemptIntent>();
  const decisions: DecisionRecord[] = [];
  const sets: NamedSet[] = [];
  for (const event of events) {
    if (event.kind === 'call') keepBetter(calls, event.record);
    else if (event.kind === 'intent') keepFirst(intents, event.intent);
    else if (event.kind === 'decision') decisions.push(event.decision);
    else sets.push(event.set);
  }
  for (const attemptId of calls.keys()) intents.delete(attemptId);
  return { calls: [...calls.values()], intents: [...intents.values()], decisions, sets };
}

function keepBetter(calls: Map<string, CallRecord>, record: CallRecord): void {
  const present = calls.get(record.attemptId);
  if (!present || replaces(record, present)) calls.set(record.attemptId, record);
}

function keepFirst(intents: Map<string, AttemptIntent>, intent: AttemptIntent): void {
  if (!intents.has(intent.record.attemptId)) intents.set(intent.record.attemptId, intent);
}
