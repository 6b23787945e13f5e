import { toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@will/bus';
import type { RankedSet } from '@will/core';
import { create, isInbox, queues, rankedSetId, rankedSetToWire, readMessage, subjects, wire } from '@will/contracts';
import { openSpan } from '@will/observe';
import { type Policy, PolicyRefusal } from '../service.ts';
import { readFacts } from './read-facts.ts';

export interface PolicyApi {
  /** Takes no more questions and waits for those in hand. */
  stop(): Promise<void>;
}

/** Serves decisions and explanations from the bus. What cannot be answered is answered with an error. */
export function servePolicy(bus: Bus, policy: Policy, onError: (what: string, error: unknown) => void): PolicyApi {
  const serve = (subject: string, decide: (request: wire.DecideRequest) => Decided) =>
    bus.serve(subject, queues.policy, ({ reply, data }) => {
      // A reply that is no inbox could be any subject that this service may publish to.
      if (!isInbox(reply)) return undefined;
      const span = openSpan('decide', 'server', {});
      const answered = span.run(() => answer(data, decide, (error) => onError(`answering ${subject}`, error)));
      span.end(answered.error === '' ? undefined : 'refused');
      return toBinary(wire.DecideResponseSchema, answered);
    });
  const serving = [
    serve(subjects.policyDecide, ({ facts }) => ({
      set: policy.decide(readFacts(facts)),
      wouldChange: [],
      notConsidered: [],
    })),
    serve(subjects.policyExplain, ({ facts: message, atUnixMs }) => {
      const [facts, atMs] = [readFacts(policy.named(message)), instantOf(atUnixMs)];
      const set = policy.explain(facts, atMs);
      return { set, wouldChange: policy.wouldChange(facts, atMs), notConsidered: policy.notConsidered(facts, set) };
    }),
  ];
  return {
    async stop() {
      await Promise.all(serving.map((one) => one.stop()));
    },
  };
}

interface Decided {
  readonly set: RankedSet;
  readonly wouldChange: readonly string[];
  readonly notConsidered: readonly string[];
}

function answer(
  data: Uint8Array,
  decide: (request: wire.DecideRequest) => Decided,
  onError: (error: unknown) => void,
): wire.DecideResponse {
  try {
    const { set, wouldChange, notConsidered } = decide(readRequest(data));
    const named = rankedSetToWire({ setId: rankedSetId(set), set });
    return create(wire.DecideResponseSchema, {
      set: named,
      wouldChange: [...wouldChange],
      notConsidered: [...notConsidered],
    });
  } catch (error) {
    if (error instanceof PolicyRefusal)
      return create(wire.DecideResponseSchema, { error: error.message, retryable: error.isRetryable });
    onError(error);
    return create(wire.DecideResponseSchema, { error: 'policy failed on these facts' });
  }
}

/** @throws {PolicyRefusal} 'facts' */
function readRequest(data: Uint8Array): wire.DecideRequest {
  try {
    return readMessage(wire.DecideRequestSchema, data);
  } catch {
    throw new PolicyRefusal('facts', `${data.length} bytes are no will.v1.DecideRequest`);
  }
}

const latestMs = 8_000_000_000_000_000;

/** 0 means now. @throws {PolicyRefusal} 'facts' */
function instantOf(unixMs: bigint): number | undefined {
  if (unixMs < 0n || unixMs > BigInt(latestMs))
    throw new PolicyRefusal('facts', `instant ${unixMs} must be UTC milliseconds from 0 to ${latestMs}`);
  return unixMs === 0n ? undefined : Number(unixMs);
}
