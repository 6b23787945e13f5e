import { TaskError } from '@will/client';
import { z } from 'zod';
import { roles, route, Streamed } from '../api/route.ts';
import { name } from '../api/schemas.ts';
import { serverEvent } from '../api/server-events.ts';
import { toApi } from '../api/shown.ts';
import { scoped } from '../viewer.ts';
import { facts, taskAs } from './task-as.ts';

export const playgroundRoutes = [
  route({
    method: 'POST',
    path: '/admin/v1/run',
    access: roles.runners,
    summary: 'Runs a task and streams its answer as server-sent events: started, delta, then end or error',
    query: z.object({ client: name.optional(), project: name.optional() }),
    body: facts.extend({ text: z.string().min(1).max(100_000) }),
    answer: async ({ body, viewer }, { tasks }) => {
      const task = taskAs(viewer, scoped(viewer, body, true));
      return new Streamed('text/event-stream', async (write, signal) => {
        try {
          for await (const part of tasks.stream({ ...task, input: body.text, signal })) {
            if (part.kind === 'started') await write(serverEvent('started', toApi(part)));
            if (part.kind === 'delta') await write(serverEvent('delta', { text: part.delta.text }));
            if (part.kind === 'end') await write(serverEvent('end', toApi({ ...part.result, output: undefined })));
          }
        } catch (error) {
          if (!(error instanceof TaskError)) throw error;
          const { code, message, taskId, decisionId, exclusions, attempts } = error;
          await write(serverEvent('error', toApi({ code, message, taskId, decisionId, exclusions, attempts })));
        }
      });
    },
  }),
];
