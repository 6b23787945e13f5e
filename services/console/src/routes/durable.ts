import type { DurableTask } from '@will/client';
import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { name, wholeNumber } from '../api/schemas.ts';
import type { ConsoleBackends } from '../backends.ts';
import { scoped } from '../viewer.ts';

/** Clients that one list asks for, where it names none. */
const maxClients = 100;

const ofClient = z.object({ client: name.optional() });
const states = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'expired'] as const;

const listed = ofClient.extend({
  state: z.enum(states).optional(),
  dead: z.enum(['true', 'false']).default('false'),
  limit: wholeNumber(1, 200).default(100),
});

export const durableRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/durable-tasks',
    access: roles.everyone,
    summary: 'Durable tasks, newest first; with dead=true the dead letters',
    query: listed,
    answer: async ({ query, viewer }, { tasks, snapshot }) => {
      const { client, state, limit, dead } = scoped(viewer, query, false);
      const all = client === undefined ? [...(snapshot?.clients.keys() ?? [])] : [client];
      const asked = all.slice(0, maxClients);
      const filter = { limit, dead: dead === 'true', ...(state && { state }) };
      const found = await Promise.all(asked.map((one) => tasks.tasks({ ...filter, client: one })));
      const newest = found.flat().toSorted((a, b) => b.createdUnixMs - a.createdUnixMs);
      return { tasks: newest.slice(0, limit).map(shownTask), clientsLeftOut: all.length - asked.length };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/durable-tasks/{task_id}',
    access: roles.everyone,
    summary: 'One durable task, without its answer',
    query: ofClient,
    answer: async ({ query, parameters, viewer }, { tasks }) =>
      shownTask(await tasks.task(idIn(parameters), clientOf(scoped(viewer, query, false)))),
  }),
  ...(['cancel', 'requeue'] as const).map((word) =>
    route({
      method: 'POST',
      path: `/admin/v1/durable-tasks/{task_id}/${word}`,
      access: roles.runners,
      summary: word === 'cancel' ? 'Ends a durable task that has not ended' : 'Has a dead letter run anew',
      query: ofClient,
      isNoted: true,
      answer: async ({ query, parameters, viewer }, backends) => {
        const options = clientOf(scoped(viewer, query, false));
        return shownTask(await work[word](backends, idIn(parameters), options));
      },
    }),
  ),
];

const work = {
  cancel: ({ tasks }: ConsoleBackends, taskId: string, options: { client?: string }) =>
    tasks.cancelTask(taskId, options),
  requeue: ({ tasks }: ConsoleBackends, taskId: string, options: { client?: string }) =>
    tasks.requeueTask(taskId, options),
};

const idIn = (parameters: Readonly<Record<string, string>>): string => parameters['task_id'] ?? '';
const clientOf = ({ client }: { client?: string | undefined }) => (client === undefined ? {} : { client });

/** A task as operators see it: what it came to, never its content. */
const shownTask = ({ result, failure, ...task }: DurableTask): object => ({
  ...task,
  ...(result && { answeredBy: result.model, costNanoUsd: result.costNanoUsd, decisionId: result.decisionId }),
  ...(failure && { failure: { code: failure.code, message: failure.message }, decisionId: failure.decisionId }),
});
