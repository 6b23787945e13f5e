import type { RankedSet } from '@will/core';
import { wire } from '@will/contracts';
import type { AcceptedTask } from './intake.ts';

/** Failures of an attempt that no other model would mend, as the caller is told of them. */
const terminalCodes: Readonly<Record<string, wire.FailureCode>> = {
  Cancelled: wire.FailureCode.CANCELLED,
  Deadline: wire.FailureCode.DEADLINE,
  Invalid: wire.FailureCode.INVALID_TASK,
  Policy: wire.FailureCode.BLOCKED,
};

/** How a task ends whose attempt failed for good. */
export const codeOf = (fine: string): wire.FailureCode => terminalCodes[fine] ?? wire.FailureCode.ALL_FAILED;

/** Every model on the way and what became of it. */
export const wayOf = (summaries: readonly wire.AttemptSummary[]): string =>
  summaries
    .map(({ model, reason }) => `${model} (${reason})`)
    .join(', ')
    .slice(0, 1_000);

export function blockedMessage({ facts }: AcceptedTask, { exclusions, dataClass }: RankedSet): string {
  const asked = `${facts.taskType} for ${facts.client} (${dataClass} data)`;
  if (exclusions.length === 0) return `no model may do ${asked}: no route and no model has this task type`;
  const shown = exclusions.slice(0, 5).map(({ model, rule }) => `${model}: ${rule}`);
  const more = exclusions.length > shown.length ? ` and ${exclusions.length - shown.length} more` : '';
  return `no model may do ${asked}: ${shown.join(', ')}${more}`;
}
