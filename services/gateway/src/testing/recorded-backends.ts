import type { DurableWire, TaskClient } from '@will/client';
import type { Backends, CallerPayloads, Queries } from '../ports.ts';
import { sampleSnapshot } from './test-server.ts';

/** Everything that a route may ask for, and what of it arrived: `[what, ...arguments]`. Answers are empty unless stated. */
export function recordedBackends(answers: Partial<Queries> = {}) {
  const asked: unknown[][] = [];
  const recording = <T>(prefix: string, names: readonly string[]): T => {
    const record =
      (name: string) =>
      async (...args: unknown[]): Promise<object> => {
        asked.push([prefix + name, ...args]);
        return {};
      };
    return Object.fromEntries(names.map((name) => [name, record(name)])) as T;
  };
  const tasks = ['run', 'stream', 'start', 'explain', 'submit', 'task', 'result', 'cancelTask', 'events'];
  const client = recording<TaskClient>('', [...tasks, 'requeueTask', 'tasks', 'close']);
  const durable = recording<DurableWire>('', ['submit', 'get', 'cancel', 'list', 'requeue']);
  const questions = ['explain', 'documents', 'registryStatus', 'calls', 'usage', 'feedback', 'decision'];
  const queries: Queries = { ...recording<Queries>('query ', questions), durable, ...answers };
  const payloads = recording<CallerPayloads>('', ['put', 'get', 'remove']);
  const open: Backends = {
    client,
    queries,
    payloads,
    snapshot: sampleSnapshot(),
    fleet: { has: () => true, servedModels: () => new Set() },
    isBusConnected: true,
    keys: undefined,
  };
  return { asked, open };
}

/** All backends, of which each is there. */
export function parts(backends: Backends): {
  readonly client: TaskClient;
  readonly queries: Queries;
  readonly payloads: CallerPayloads;
} {
  const { client, queries, payloads } = backends;
  if (!client || !queries || !payloads) throw new Error('a backend is missing');
  return { client, queries, payloads };
}
