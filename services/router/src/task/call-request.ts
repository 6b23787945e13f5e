import { firstTokenTimeoutOf, type FirstTokenTimeout, type RankedSet } from '@will/core';
import { factsToWire, type wire } from '@will/contracts';
import type { DecidedSet } from '../ports.ts';
import type { Attempt } from './attempt.ts';
import type { DeliveryStamp } from './deliveries.ts';
import type { Evidence } from './evidence.ts';
import type { TaskContext } from './task-context.ts';

/** A call may be on its way, and policy not reachable: what no rule restricts may be used for a while longer. */
const expirySlackMs = { unrestricted: 62_000, other: 2_000 } as const;

/** One attempt's place among the others, the same for each of its deliveries. */
export interface AttemptPlace {
  readonly model: string;
  /** Attempts that were made before it. */
  readonly earlier: readonly Attempt[];
  readonly anotherFollows: boolean;
}

/** Makes the call's request as one delivery of an attempt carries it. */
export function callRequest(
  context: TaskContext,
  evidence: Evidence,
  { model, earlier, anotherFollows }: AttemptPlace,
  { attemptId, earlierIds, startUntilUnixMs }: DeliveryStamp,
  attempt: number,
): wire.CallRequest {
  const { task, caller, selection, decisionId } = context;
  const { set } = context.decided as DecidedSet;
  const firstTokenTimeout = anotherFollows ? firstTokenTimeoutWith(context, evidence, model) : undefined;
  return {
    $typeName: 'will.v1.CallRequest',
    taskId: task.taskId,
    attemptId,
    attempt,
    earlierIds: [...earlierIds, ...earlier.flatMap(({ lostIds }) => lostIds)],
    startUntilUnixMs: BigInt(startUntilUnixMs),
    decisionId,
    revision: BigInt(set.revision),
    expiresUnixMs: BigInt(Math.floor(Math.min(task.deadlineUnixMs, expiryOf(context, set)))),
    facts: factsToWire(task.facts),
    model,
    deadlineUnixMs: BigInt(task.deadlineUnixMs),
    callerInbox: caller.inbox,
    mayCommit: earlierIds.length === 0 && areOver(earlier),
    stream: task.stream,
    maxOutputTokens: task.maxOutputTokens,
    prior: [...evidence.summaries],
    inputKind: task.inputKind,
    input: task.input,
    payload: task.payload,
    inputTokens: task.inputTokens,
    onlyChoice: selection.order.length <= 1,
    anotherFollows,
    firstContentTimeoutMs: firstTokenTimeout?.timeoutMs ?? 0,
    isHurried: firstTokenTimeout?.isHurried ?? false,
    firstTokenTimeoutMs: task.timeouts.firstTokenMs ?? 0,
    idleTimeoutMs: task.timeouts.idleMs,
    session: task.session ?? '',
    costTags: [...task.costTags],
  };
}

/** No delivery of them can still turn up with content. */
export const areOver = (attempts: readonly Attempt[]): boolean =>
  attempts.every(({ isEnded, isUnheard }) => isEnded && !isUnheard);

/** How long a model may be silent while others follow: the models that are left share the time that is left. */
function firstTokenTimeoutWith(context: TaskContext, evidence: Evidence, model: string): FirstTokenTimeout {
  const { candidates } = (context.decided as DecidedSet).set;
  const typical = candidates.find((candidate) => candidate.model === model)?.firstContent;
  return firstTokenTimeoutOf({
    leftMs: context.leftMs,
    candidatesLeft: Math.max(2, evidence.untried(model, context.selection.order)),
    typicalMs: typical?.timeoutMs,
    slowMs: typical?.slowMs,
  });
}

function expiryOf({ deps }: TaskContext, set: RankedSet): number {
  const { unrestricted, other } = expirySlackMs;
  return set.validUntilMs + (deps.decisions.mayOutlive(set) ? unrestricted : other);
}
