import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { name } from '../api/schemas.ts';
import { scoped } from '../viewer.ts';
import { shownSet } from './decisions.ts';
import { facts, taskAs } from './task-as.ts';

export const explainRoutes = [
  route({
    method: 'POST',
    path: '/admin/v1/explain',
    access: roles.everyone,
    summary: 'Which models may do such a task, in which order, and why the others may not; nothing is run',
    query: z.object({ client: name.optional(), project: name.optional() }),
    body: facts.extend({
      needs: z.array(name).max(20).optional(),
      input_tokens: z.number().int().min(0).max(100_000_000).optional(),
      at_unix_ms: z.number().int().min(0).optional(),
    }),
    answer: async ({ body, viewer }, { tasks, snapshot }) => {
      const { needs, input_tokens: inputTokens, at_unix_ms: atUnixMs } = body;
      const { set, wouldChange } = await tasks.explain({
        ...taskAs(viewer, scoped(viewer, body, true)),
        ...(needs !== undefined && { needs }),
        ...(inputTokens !== undefined && { inputTokens }),
        ...(atUnixMs !== undefined && { atUnixMs }),
      });
      return { set: shownSet(set, snapshot), wouldChange };
    },
  }),
];
