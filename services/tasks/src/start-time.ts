import { isWindowOpen, nextEdgeMs, type ClientDocument, type ScheduleDocument } from '@will/core';

/** A task that may wait until its deadline starts so long before it: what a slow model and a second try take. */
export const leadMs = 5 * 60_000;
/** Of a window that opens, tasks start spread over its first part. */
const spreadShare = 0.1;
const maxSpreadMs = 15 * 60_000;

export interface StartQuestion {
  readonly nowMs: number;
  readonly notBeforeMs: number;
  readonly deadlineMs: number;
  /** Undefined: it is not deferred. */
  readonly schedule: ScheduleDocument | undefined;
  readonly client: ClientDocument | undefined;
  /** From 0 to 1, of the task: where in the window's first part it starts. */
  readonly spread: number;
}

/** When a task is to start; not after `nowMs`: at once. A deadline that comes before the window wins. */
export function startTime({ nowMs, notBeforeMs, deadlineMs, schedule, client, spread }: StartQuestion): number {
  const earliest = Math.max(nowMs, notBeforeMs);
  if (!schedule) return earliest;
  const zone = client?.time_zone ?? schedule.time_zone;
  if (isWindowOpen(schedule, zone, earliest)) return earliest;
  const opensMs = nextEdgeMs(schedule, zone, earliest);
  const lengthMs = nextEdgeMs(schedule, zone, opensMs) - opensMs;
  const at = opensMs + Math.round(spread * Math.min(maxSpreadMs, spreadShare * lengthMs));
  const latest = Math.max(earliest, deadlineMs - leadMs);
  return Math.min(at, latest);
}
