import type { wire } from '@will/contracts';
import { callColumns, type CallQuestion, callRow, csvLine, jsonLine, pageOfCalls } from '@will/operator';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { roles, route, Streamed } from '../api/route.ts';
import { callFilter, period, scope, wholeNumber } from '../api/schemas.ts';
import { Verbatim } from '../api/shown.ts';
import { scoped } from '../viewer.ts';
import { keyOfDecision, shownDecision } from './decisions.ts';

const filtered = z.object({ ...callFilter, ...period });
const exportPage = 500;

/** Where a page ended: start and attempt of its last call. */
const behind = z
  .string()
  .regex(/^\d{1,16}\.[\w-]{1,64}$/)
  .optional();

const listed = filtered.extend({ limit: wholeNumber(1, 500).default(100), behind });

export const callRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/calls',
    access: roles.everyone,
    summary: 'Calls, newest first; `next` of the answer goes into `behind` for the page after it',
    query: listed,
    answer: async ({ query, viewer }, { bus }) => {
      const calls = await pageOfCalls(bus, questionOf(scoped(viewer, query, true)), lastOf(query.behind), query.limit);
      const last = calls.length < query.limit ? undefined : calls.at(-1);
      return { calls: calls.map(callRow), ...(last && { next: `${last.startedUnixMs}.${last.attemptId}` }) };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/calls/export',
    access: roles.everyone,
    summary: 'Every call that fits, newest first, one line each',
    query: filtered.extend({ format: z.enum(['csv', 'jsonl']).default('csv') }),
    answer: async ({ query, viewer }, { bus }) => {
      const question = questionOf(scoped(viewer, query, true));
      const [contentType, line] =
        query.format === 'csv' ? (['text/csv', csvLine] as const) : (['application/jsonl', jsonLine] as const);
      return new Streamed(contentType, async (write, signal) => {
        if (query.format === 'csv') await write(`${callColumns.map(([column]) => column).join(',')}\n`);
        let last: wire.CallRecord | undefined;
        while (!signal.aborted) {
          const calls = await pageOfCalls(bus, question, last, exportPage);
          if (calls.length === 0) return;
          await write(calls.map((call) => `${line(call)}\n`).join(''));
          last = calls.at(-1);
        }
      });
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/tasks/{task_id}',
    access: roles.everyone,
    summary: 'One task: its attempts, oldest first, and its decision',
    query: z.object(scope),
    answer: async ({ query, parameters, viewer }, backends) => {
      const taskId = parameters['task_id'] ?? '';
      const question = questionOf({ ...scoped(viewer, query, true), task: taskId });
      const calls = await pageOfCalls(backends.bus, question, undefined, 200);
      const decision = await shownDecision(backends, viewer, keyOfDecision(calls.at(-1)?.decisionId, taskId));
      if (calls.length === 0 && !decision)
        throw new AdminError('not_found', `no call and no decision is known of task ${JSON.stringify(taskId)}`);
      return { task_id: taskId, attempts: calls.map(callRow).toReversed(), decision: new Verbatim(decision ?? null) };
    },
  }),
];

type Filter = z.infer<typeof filtered>;

const questionOf = (filter: Partial<Filter>): CallQuestion => ({
  client: filter.client ?? '',
  project: filter.project ?? '',
  reflex: filter.reflex ?? '',
  model: filter.model ?? '',
  taskType: filter.type ?? '',
  outcome: filter.outcome ?? '',
  taskId: filter.task ?? '',
  decisionId: filter.decision ?? '',
  fromUnixMs: BigInt(filter.from ?? 0),
  toUnixMs: BigInt(filter.to ?? 0),
});

function lastOf(text: string | undefined): { startedUnixMs: bigint; attemptId: string } | undefined {
  if (text === undefined) return undefined;
  const dot = text.indexOf('.');
  return { startedUnixMs: BigInt(text.slice(0, dot)), attemptId: text.slice(dot + 1) };
}
