import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Bus, Incoming } from '@will/bus';
import { modalities, slugPattern, type Facts, type RankedSet } from '@will/core';
import { dataClassToWire, factsFromWire, factsToWire, isInbox, queues, subjects, wire } from '@will/contracts';
import { type Policy, PolicyRefusal } from '../service.ts';

/** Serves decisions and explanations from the bus. Returns how to stop. */
export function servePolicy(
  bus: Bus,
  policy: Policy,
  onError: (what: string, error: unknown) => void,
): { stop(): Promise<void> } {
  const serve = (subject: string, judge: (request: wire.DecideRequest) => RankedSet) =>
    bus.serve(subject, queues.policy, (message) => {
      if (!isInbox(message.reply)) return undefined;
      return answer(message, judge, onError);
    });
  const decisions = serve(subjects.policyDecide, ({ facts }) => policy.decide(readFacts(facts)));
  const explanations = serve(subjects.policyExplain, ({ facts, atUnixMs }) =>
    policy.explain(readFacts(facts), atUnixMs === 0n ? undefined : Number(atUnixMs)),
  );
  return {
    async stop() {
      await Promise.all([decisions.stop(), explanations.stop()]);
    },
  };
}

function answer(
  message: Incoming,
  judge: (request: wire.DecideRequest) => RankedSet,
  onError: (what: string, error: unknown) => void,
): Uint8Array {
  const response = (fields: Partial<wire.DecideResponse>): Uint8Array =>
    toBinary(wire.DecideResponseSchema, Object.assign(create(wire.DecideResponseSchema), fields));
  try {
    return response({ set: setToWire(judge(fromBinary(wire.DecideRequestSchema, message.data))) });
  } catch (error) {
    if (error instanceof PolicyRefusal) return response({ error: error.message });
    onError(`answering ${message.subject}`, error);
    return response({ error: 'the request is no will.v1.DecideRequest' });
  }
}

const shown = (value: string): string => JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);

/** @throws {PolicyRefusal} names the value and what was allowed. */
function readFacts(facts: wire.Facts | undefined): Facts {
  if (!facts) throw new PolicyRefusal('facts are missing');
  for (const [what, value] of [
    ['task type', facts.taskType],
    ['client', facts.client],
  ] as const)
    if (!slugPattern.test(value)) throw new PolicyRefusal(`${what} ${shown(value)} must match ${slugPattern.source}`);
  const known: readonly string[] = modalities;
  const unknown = [...facts.inputModalities, ...facts.outputModalities].find((modality) => !known.includes(modality));
  if (unknown !== undefined) throw new PolicyRefusal(`modality ${shown(unknown)} must be one of ${known.join(', ')}`);
  const read = factsFromWire(facts);
  // Text is what a caller means who says nothing; the router always says it.
  return {
    ...read,
    input: read.input.length > 0 ? read.input : ['text'],
    output: read.output.length > 0 ? read.output : ['text'],
  };
}

function setToWire(set: RankedSet): wire.RankedSet {
  const message = create(wire.RankedSetSchema, {
    revision: BigInt(set.revision),
    dataClass: dataClassToWire(set.dataClass),
    facts: factsToWire(set.facts),
    candidates: set.candidates.map(({ model, why }) => ({ model, why })),
    exclusions: set.exclusions.map(({ model, rule, detail }) => ({ model, rule, detail })),
    notes: [...set.notes],
    scheduleEdgeUnixMs: BigInt(set.scheduleEdgeMs ?? 0),
    waitMs: set.waitMs,
  });
  // The digest is taken before the instant until which it holds is filled in: equal answers have equal digests.
  message.setId = createHash('sha256').update(toBinary(wire.RankedSetSchema, message)).digest('base64url').slice(0, 22);
  message.validUntilUnixMs = BigInt(Math.floor(set.validUntilMs));
  return message;
}
