import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareBusFolder } from '@will/bus-server';
import { startReplayingUpstream, type ReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminRoutes } from '../../services/console/src/api/table.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// The console as its own user of a bus with users and TLS: what it asks is what it may ask.

let folder: string;
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-console-bus-'));
  upstream = await startReplayingUpstream();
  system = await startSystem({
    secure: await prepareBusFolder(join(folder, 'bus'), { nowMs: Date.now() }),
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', callMethod: 'API', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    counts: { tasks: 1, console: 1 },
  });
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true });
});

const ask = (path: string, body?: unknown): Promise<Response> =>
  fetch(`${system.adminUrl}${path}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });

/** A proof needs a call that is recorded. */
async function untilRecorded(): Promise<void> {
  for (;;) {
    const { calls } = (await (await ask('/admin/v1/calls')).json()) as { readonly calls: readonly unknown[] };
    if (calls.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('every view is answered, and a task runs, without a question that the bus refuses', async () => {
  const streamed = await (await ask('/admin/v1/run', { type: 'text_gen', text: 'ping' })).text();
  expect(streamed).toMatch(/event: end\n/);
  const views = adminRoutes.filter(
    ({ method, path }) => method === 'GET' && !path.includes('{') && !path.endsWith('/events'),
  );
  // These say nothing without a parameter.
  const questions = ['/admin/v1/diff?from=0', '/admin/v1/proof?client=test'];
  await untilRecorded();
  const failed: string[] = [];
  for (const { path } of views) {
    const response = await ask(questions.find((question) => question.startsWith(`${path}?`)) ?? path);
    await response.body?.cancel();
    if (response.status !== 200) failed.push(`${path}: ${response.status}`);
  }
  expect(failed).toEqual([]);
  expect(views.length).toBeGreaterThan(8);
  const files = [{ path: 'x.yaml', text: 'kind: client\nname: New' }];
  expect((await ask('/admin/v1/what-if', { files })).status).toBe(200);
  expect((await ask('/admin/v1/apply', { files, note: 'for the test' })).status).toBe(200);
  expect((await ask('/admin/v1/audit/verify', {})).status).toBe(200);
  expect((await ask('/admin/v1/keys', { client: 'New' })).status).toBe(200);
  for (const process of system.of('console')) expect(process.log()).not.toMatch(/permissions? violation/i);
});
