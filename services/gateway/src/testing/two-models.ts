import { compileSnapshot, type AnyDocument, type Snapshot } from '@will/core';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { answers, chatOf } from './fake-tasks.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** `local` is a server of one's own, `cloud` is not; both generate text. */
export function snapshotWith(fields: object = {}): Snapshot {
  const model = (name: string, more: object) => ({
    kind: 'model',
    body: {
      name,
      slug: name,
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
      ...more,
    },
  });
  const documents = [
    model('llama', { call_method: 'Local', endpoint: 'http://127.0.0.1:1' }),
    model('cloud', fields),
    { kind: 'client', body: { name: 'Strict', slug: 'strict', strict_requests: true } },
  ] as unknown as AnyDocument[];
  const compiled = compileSnapshot(7, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

export const hello = { role: 'user', content: 'hello' };
export const chat = (fields: object = {}) => ({ model: 'auto', messages: [hello], ...fields });
export const message = (fields: object = {}) => ({ model: 'auto', max_tokens: 9, messages: [hello], ...fields });

/** A gateway with two models for the tests of one file, and what clients ask of it. */
export function useTwoModels() {
  let server: TestServer | undefined;
  const at = (): TestServer => server as TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => at().stop());
  beforeEach(() => {
    at().tasks.script = answers('pong');
    at().tasks.requests.length = 0;
    at().backends.snapshot = snapshotWith();
  });
  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${at().url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const asked = () => chatOf(at().tasks.requests[0]);

  async function refusal(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<string> {
    const response = await post(path, body, headers);
    expect([response.status, at().tasks.requests.length]).toEqual([400, 0]);
    const { error } = (await response.json()) as { error: { message: string; param: string } };
    return `${error.param}: ${error.message}`;
  }

  async function accepted(
    path: string,
    body: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<string | null> {
    const response = await post(path, body, headers);
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([200, '']);
    return response.headers.get('x-will-ignored');
  }
  return { at, post, asked, refusal, accepted };
}
