import type { wire } from '@will/contracts';

/** The filters of a list of calls, as slugs; what is absent admits every call. */
export interface LiveCallFilter {
  readonly client?: string | undefined;
  readonly project?: string | undefined;
  readonly reflex?: string | undefined;
  readonly model?: string | undefined;
  readonly type?: string | undefined;
  readonly outcome?: string | undefined;
  readonly task?: string | undefined;
  readonly decision?: string | undefined;
}

const fields = {
  client: 'client',
  project: 'project',
  reflex: 'reflex',
  model: 'model',
  type: 'taskType',
  outcome: 'outcome',
  task: 'taskId',
  decision: 'decisionId',
} as const satisfies Record<keyof LiveCallFilter, keyof wire.CallRecord>;

/**
 * True of a live call that belongs into a list with these filters: the same question that telemetry answers of stored
 * ones.
 */
export const matches = (call: wire.CallRecord, filter: LiveCallFilter): boolean =>
  Object.entries(fields).every(([name, field]) => {
    const wanted = filter[name as keyof LiveCallFilter];
    return wanted === undefined || call[field] === wanted;
  });
