import { subjects, wire } from '@will/contracts';
import { accepted, ask } from '@will/operator';
import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { wholeNumber } from '../api/schemas.ts';

const verifyMs = 120_000;

export const auditRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/audit',
    access: roles.readers,
    summary: 'What was changed and refused, newest first; `before` goes on from an entry',
    query: z.object({ before: wholeNumber(0, 1e12).default(0), limit: wholeNumber(1, 500).default(100) }),
    answer: async ({ query }, { bus }) => {
      const question = { before: BigInt(query.before), limit: query.limit };
      const answer = await ask(
        bus,
        subjects.audit('list'),
        [wire.ListAuditRequestSchema, question],
        wire.ListAuditResponseSchema,
      );
      return {
        entries: accepted(answer).entries.map(({ digest, ...entry }) => ({ ...entry, entryDigest: digest })),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/admin/v1/audit/verify',
    access: roles.readers,
    summary: 'Reads the whole audit log and tells the first entry that is not as it was written',
    answer: async (_asked, { bus }) =>
      accepted(
        await ask(
          bus,
          subjects.audit('verify'),
          [wire.VerifyAuditRequestSchema, {}],
          wire.VerifyAuditResponseSchema,
          verifyMs,
        ),
      ),
  }),
];
