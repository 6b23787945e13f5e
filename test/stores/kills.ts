import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import type { RunningServer } from './servers.ts';

const client = 'keeper';
const rounds = 3;
const perRound = 20;
/** A store that is away for a moment refuses a submission: its caller asks again with the same id. */
const submitTries = 100;

/** What became of the tasks and calls of a product whose store was killed. */
export interface Survived {
  readonly durable: { readonly submitted: number; readonly succeeded: number };
  readonly calls: { readonly made: number; readonly recorded: number };
}

/** Runs the product on a server that is killed and restarted, together with the services that write to it. */
export async function surviveKills(server: RunningServer): Promise<Survived> {
  const { killAndRestart } = server;
  if (killAndRestart === undefined) throw new Error('a server that stores nothing cannot be killed');
  const upstream = await startReplayingUpstream();
  upstream.script('counted', { kind: 'answer', delayMs: 100 });
  const system = await startOn(server.uri, upstream);
  try {
    const ids: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const own = Array.from({ length: perRound }, (_, n) => `${client}-${round}-${n}`);
      ids.push(...own);
      const submitted = Promise.all(own.map((taskId) => submit(system, taskId)));
      await killAndRestart();
      await replaceWriters(system);
      await submitted;
    }
    const of = { client, timeoutMs: 120_000 };
    const results = await Promise.all(ids.map((id) => system.client.result(id, of)));
    const made = upstream.countOf('counted');
    const records = await callsOf(system, { client }, made);
    return {
      durable: { submitted: ids.length, succeeded: results.length },
      calls: { made, recorded: new Set(records.map(({ attemptId }) => attemptId)).size },
    };
  } finally {
    await system.stop();
    await upstream.close();
  }
}

function startOn(uri: string, upstream: ReplayingUpstream): Promise<System> {
  const address = new URL(uri);
  address.pathname = '/will_killed';
  const model = modelDocument({ name: 'counted', callMethod: 'API', endpoint: `${upstream.url}/v1` });
  return startSystem({
    callers: [client],
    documents: { 'world.yaml': documentFile(openByDefault, model, routeDocument('text_gen', 'counted')) },
    env: { WILL_MONGODB_URI: address.href },
    counts: { tasks: 1, gateway: 1 },
  });
}

async function submit(system: System, taskId: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await system.client.submit({ type: 'text_gen', client, input: 'Hello', taskId });
      return;
    } catch (error) {
      if (tries === submitTries) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function replaceWriters(system: System): Promise<void> {
  for (const service of ['tasks', 'telemetry', 'registry'] as const) {
    await system.of(service).at(-1)?.kill();
    await system.add(service);
  }
}
