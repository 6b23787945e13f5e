import { digestOfKey, type KeyRole, keyRoles, newKey, subjects, wire } from '@will/contracts';
import { type DataClass, dataClasses } from '@will/core';
import { accepted, ask } from '@will/operator';
import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { instant, name } from '../api/schemas.ts';
import { authorOf } from '../viewer.ts';

const created = z.object({
  client: name,
  role: z.enum(keyRoles as readonly [KeyRole, ...KeyRole[]]).default('caller'),
  projects: z.array(name).max(64).default([]),
  task_types: z.array(name).max(64).default([]),
  data_class: z.enum(dataClasses as readonly [DataClass, ...DataClass[]]).optional(),
  expires: instant.optional(),
  note: z.string().max(200).default(''),
});

export const keyRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/keys',
    access: roles.readers,
    summary: 'Keys, revoked ones too, without what would let anybody in',
    answer: async (_asked, { bus }) => ({
      keys: accepted(
        await ask(bus, subjects.keys('list'), [wire.ListKeysRequestSchema, {}], wire.ListKeysResponseSchema),
      ).keys,
    }),
  }),
  route({
    method: 'POST',
    path: '/admin/v1/keys',
    access: roles.owners,
    summary: 'Makes a key; its text is in this answer and nowhere else',
    body: created,
    answer: async ({ body, viewer }, { bus }) => {
      const { id, text } = newKey();
      const key = {
        id,
        digest: await digestOfKey(text),
        client: body.client,
        role: body.role,
        projects: body.projects,
        taskTypes: body.task_types,
        dataClass: body.data_class ?? '',
        note: body.note,
        expiresUnixMs: BigInt(body.expires ?? 0),
      };
      const question = { key, author: authorOf(viewer) };
      accepted(
        await ask(bus, subjects.keys('create'), [wire.CreateKeyRequestSchema, question], wire.CreateKeyResponseSchema),
      );
      return { id, key: text, client: body.client, role: body.role };
    },
  }),
  route({
    method: 'DELETE',
    path: '/admin/v1/keys/{id}',
    access: roles.owners,
    summary: 'Revokes a key: every server refuses it from then on',
    answer: async ({ parameters, viewer }, { bus }) => {
      const question = { id: parameters['id'] ?? '', author: authorOf(viewer) };
      return accepted(
        await ask(bus, subjects.keys('revoke'), [wire.RevokeKeyRequestSchema, question], wire.RevokeKeyResponseSchema),
      );
    },
  }),
];
