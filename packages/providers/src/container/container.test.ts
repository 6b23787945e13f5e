import type { ModelDocument } from '@will/core';
import { type ContainerEngine, modelFor, startContainerEngine } from '@will/testkit';
import { afterEach, expect, test } from 'vitest';
import { callOf, providerContract, reasonOf, runCall } from '../contract.ts';
import { openAiCompatible } from '../openai-compatible/index.ts';
import type { ModelConnection } from '../port.ts';
import { withContainers } from './index.ts';

// The engine is one of the tests' own, in the wire format of Docker's, on a real socket of this machine.

const image = 'vllm/vllm-openai:v0.11';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function engineWith(options: Partial<Parameters<typeof startContainerEngine>[0]> = {}): Promise<ContainerEngine> {
  const engine = await startContainerEngine({ images: [image], ...options });
  cleanups.push(() => engine.close());
  return engine;
}

const modelOf = (local: ModelDocument['local']) =>
  modelFor({ name: 'Boxed', slug: 'boxed', call_method: 'container', local: { container: image, ...local } });

async function open(engine: ContainerEngine, local: ModelDocument['local']): Promise<ModelConnection> {
  const connection = await withContainers(openAiCompatible, { engine: engine.address }).open(modelOf(local));
  cleanups.push(() => connection.close());
  return connection;
}

const isHealthy = async (connection: ModelConnection): Promise<boolean> =>
  (await connection.checkHealth(AbortSignal.timeout(5_000))).healthy;
const untilHealthy = (connection: ModelConnection): Promise<void> =>
  expect.poll(() => isHealthy(connection)).toBe(true);

let shared: ContainerEngine;
providerContract('a container', () => ({
  async open() {
    shared ??= await startContainerEngine({ images: [image], gapMs: 5 });
    return withContainers(openAiCompatible, { engine: shared.address }).open(modelOf({ start: true, port: 8_000 }));
  },
  close: () => shared.close(),
  keepsMaximum: false,
}));

test('a container that runs is used, and left alone', async () => {
  const engine = await engineWith();
  await engine.addRunning(image, 8_000);
  const connection = await open(engine, { stop_when_idle_seconds: 1 });
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
  // Nothing tells that nothing happens: a little more than the time after which one of its own would be stopped.
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  await connection.close();
  expect(engine.running).toBe(1);
  expect(engine.asked.filter((asked) => asked.startsWith('POST'))).toEqual([]);
});

test('where none runs, none is started unless the document says so', async () => {
  const engine = await engineWith();
  await expect(open(engine, { port: 8_000 })).rejects.toThrow(`no container of image ${image} runs`);
  expect(engine.asked.filter((asked) => asked.startsWith('POST'))).toEqual([]);
});

test('one is made, started and waited for: reached from this machine only, with the stated memory at most', async () => {
  const engine = await engineWith({ startingMs: 600 });
  const connection = await open(engine, { start: true, port: 8_000, memory_mb: 512 });
  expect(engine.lastMade).toMatchObject({
    Image: image,
    Labels: { 'will.model': 'boxed' },
    HostConfig: {
      PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1' }] },
      SecurityOpt: ['no-new-privileges'],
      Memory: 512 * 1024 * 1024,
    },
  });
  await untilHealthy(connection);
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
});

test('one that nobody calls is stopped after its time, and started by the next call', async () => {
  const engine = await engineWith();
  const connection = await open(engine, { start: true, port: 8_000, stop_when_idle_seconds: 1 });
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
  await expect.poll(() => engine.running).toBe(0);
  expect(await connection.checkHealth(AbortSignal.timeout(5_000))).toMatchObject({ healthy: true });
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
  expect(engine.running).toBe(1);
  expect(engine.asked.filter((asked) => asked.endsWith('/create')).length).toBe(2);
});

test('one that dies is unhealthy with its reason, and started again', async () => {
  const engine = await engineWith();
  const connection = await open(engine, { start: true, port: 8_000 });
  await untilHealthy(connection);
  await engine.crash('will-boxed', { exitCode: 137, ranOutOfMemory: true });
  expect(reasonOf(await runCall(connection, callOf()))).toBe('connection');
  expect(await connection.checkHealth(AbortSignal.timeout(5_000))).toEqual({
    healthy: false,
    detail: 'its container ended because it ran out of memory',
  });
  await untilHealthy(connection);
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
});

test('an image that is not here is not fetched', async () => {
  const engine = await engineWith({ images: [] });
  const connection = await open(engine, { start: true, port: 8_000 });
  expect(await connection.checkHealth(AbortSignal.timeout(5_000))).toEqual({
    healthy: false,
    detail: `image ${image} is not on this machine; fetch it: docker pull ${image}`,
  });
});

test('an engine that is not there, or not on this machine, is said to be so', async () => {
  const opening = (engine: string) =>
    withContainers(openAiCompatible, { engine }).open(modelOf({ start: true, port: 8_000 }));
  await expect(opening('unix:///nowhere/engine.sock')).rejects.toThrow('does not answer');
  await expect(opening('tcp://10.0.0.1:2375')).rejects.toThrow('must be a local socket');
});
