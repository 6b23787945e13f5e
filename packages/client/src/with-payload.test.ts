import { create } from '@bufbuild/protobuf';
import type { Payloads } from '@will/bus';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import type { TaskRequest } from './api.ts';
import { withPayload } from './with-payload.ts';

const payloads: Payloads = {
  put: async (client, content, field = '') =>
    create(wire.PayloadRefSchema, { object: `${client}.1`, bytes: BigInt((content as Uint8Array).length), field }),
  get: () => Promise.reject(new Error('nobody reads')),
  remove: async () => {},
};
const tokensOf = (request: Omit<TaskRequest, 'type'>): Promise<number | undefined> =>
  withPayload(payloads, { type: 'vision', ...request }, 'acme', async ({ inputTokens }) => inputTokens);

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(300_000)}` } };
const chat = {
  messages: [
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'x'.repeat(300) }, image, image, image] },
  ],
};
const bytes = new TextEncoder().encode(JSON.stringify(chat));
const modalities = { inputModalities: ['text', 'image'] } as const;

test('a whole chat in the payload bucket counts each of its images, and its text', async () => {
  for (const input of [bytes, chat] as TaskRequest['input'][]) {
    const tokens = (await tokensOf({ input, ...modalities })) ?? 0;
    expect(tokens).toBeGreaterThanOrEqual(3 * 3_000 + 100);
    expect(tokens).toBeLessThan(3 * 3_000 + 400);
  }
});

test('what the caller says of its size raises the estimate and never lowers it', async () => {
  expect(await tokensOf({ input: bytes, ...modalities, inputTokens: 1 })).toBeGreaterThan(9_000);
  expect(await tokensOf({ input: bytes, ...modalities, inputTokens: 50_000 })).toBe(50_000);
});
