import { contained } from '@will/runtime';
import { callRow } from '@will/operator';
import { z } from 'zod';
import { roles, route, Streamed } from '../api/route.ts';
import { callFilter } from '../api/schemas.ts';
import { heartbeat, serverEvent } from '../api/server-events.ts';
import { matches } from '../live/matches.ts';
import { scoped } from '../viewer.ts';

const heartbeatMs = 10_000;

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/events',
    access: roles.everyone,
    summary: 'Server-sent events: each call as it ends, with the filters of the list of calls',
    query: z.object(callFilter),
    answer: async ({ query, viewer }, { live }) => {
      const filter = scoped(viewer, query, true);
      return new Streamed('text/event-stream', async (write, signal) => {
        const stop = await live.listen((call) => {
          if (matches(call, filter)) void write(serverEvent('call', callRow(call)));
        });
        const beating = setInterval(
          contained(() => write(heartbeat)),
          heartbeatMs,
        );
        try {
          await write(heartbeat);
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        } finally {
          clearInterval(beating);
          stop();
        }
      });
    },
  }),
];
