import { create, wire } from '@will/contracts';
import { compileSnapshot, type Snapshot } from '@will/core';
import { Admission } from '../admission/admission.ts';
import { startGrpcServer } from '../server/grpc/server.ts';
import { startHttpServer } from '../server/http/server.ts';
import type { CallerPayloads, Backends } from '../ports.ts';
import { type Guard, openGuard } from '../auth/keys/guard.ts';
import { GuardedBackends } from '../auth/keys/guarded-backends.ts';
import { NamedBackends, openNaming } from '../auth/keys/named-backends.ts';
import { whyNotReady } from '../server/readiness.ts';
import { routes } from '../routes.ts';
import type { ServerCertificate } from '../server/tls.ts';
import { UnderWay } from '../admission/under-way.ts';
import { type FakeTasks, fakeTasks } from './fake-tasks.ts';

/** Two models and two routes; `GPT-4` has an alias, `Eyes` sees images only. Clients, and projects of theirs. */
export function sampleSnapshot(): Snapshot {
  const model = (name: string, slug: string, tags: readonly string[], aliases: readonly string[] = []) =>
    ({
      kind: 'model',
      body: {
        name,
        slug,
        aliases,
        tags,
        call_method: 'API',
        provider: 'openai-compatible',
        capabilities: [],
        tier: 'standard',
      },
    }) as const;
  const compiled = compileSnapshot(7, [
    model('GPT-4', 'gpt-4', ['text_gen', 'code'], ['openai:gpt4']),
    model('LLaMA', 'llama', ['text_gen']),
    model('Eyes', 'eyes', ['vision']),
    ...['AcmeLegal', 'acme', 'globex', 'other', 'a', 'b'].map(
      (name) => ({ kind: 'client', body: { name, slug: name.toLowerCase() } }) as const,
    ),
    { kind: 'client', body: { name: 'Müller Recht', slug: 'm-ller-recht', aliases: ['Kanzlei М'] } },
    { kind: 'client', body: { name: 'Strict', slug: 'strict', strict_requests: true } },
    { kind: 'project', body: { name: 'Merger 7', slug: 'merger-7', client: 'AcmeLegal' } },
    ...['p', 'a', 'merger', 'other'].map((name) => ({ kind: 'project', body: { name, slug: name } }) as const),
    { kind: 'project', body: { name: 'site', slug: 'site', client: 'acme' } },
    { kind: 'route', body: { name: 'embedding', slug: 'embedding', steps: [] } },
    { kind: 'route', body: { name: 'text_gen', slug: 'text_gen', steps: [{ step: 'primary', model: 'GPT-4' }] } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

/** A bucket that counts, and keeps nothing. */
function fakePayloads(): CallerPayloads {
  return {
    async put({ client = '' }, content, field = '') {
      let bytes = 0;
      for await (const piece of content instanceof Uint8Array ? [content] : content) bytes += piece.length;
      return create(wire.PayloadRefSchema, { object: `${client}.fake`, bytes: BigInt(bytes), field });
    },
    get: () => Promise.reject(new Error('not faked')),
    async remove() {},
  };
}

export interface TestServer {
  readonly url: string;
  readonly grpcAddress: string;
  readonly tasks: FakeTasks;
  readonly backends: { -readonly [K in keyof Backends]: Backends[K] };
  readonly errors: string[];
  /** How many fields each answer was made without, where there were some. */
  readonly ignored: number[];
  readonly underWay: UnderWay;
  post(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  stop(): Promise<void>;
}

/** The whole server on a free port, with a fake behind it that answers `pong`. */
export async function startTestServer(
  maxTasks = 100,
  guard: Guard = openGuard,
  certificate?: ServerCertificate,
): Promise<TestServer> {
  const tasks = fakeTasks();
  const backends: TestServer['backends'] = {
    client: tasks,
    snapshot: sampleSnapshot(),
    fleet: { has: () => true, servedModels: () => new Set(['llama']) },
    isBusConnected: true,
    queries: undefined,
    payloads: fakePayloads(),
    keys: undefined,
  };
  const errors: string[] = [];
  const ignored: number[] = [];
  const onError = (what: string): void => void errors.push(what);
  const named = new NamedBackends(backends, openNaming);
  const shared = {
    backends: guard.isOpen ? named : new GuardedBackends(named),
    admission: new Admission(maxTasks),
    largeBodies: new Admission(2),
    underWay: new UnderWay(),
    nowMs: () => 1_700_000_000_500,
    onIgnored: (count: number) => void ignored.push(count),
    onError,
  };
  const server = await startHttpServer(0, routes(shared, guard), onError, {
    guard,
    underWay: shared.underWay,
    certificate,
  });
  const grpc = await startGrpcServer({
    ...shared,
    nowMs: Date.now,
    port: 0,
    whyNotReady: () => whyNotReady(backends, false),
    guard,
    certificate,
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    grpcAddress: `127.0.0.1:${grpc.port}`,
    tasks,
    backends,
    errors,
    ignored,
    underWay: shared.underWay,
    post: (body, headers = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      }),
    async stop() {
      await Promise.all([server.stop(0), grpc.stop(0)]);
    },
  };
}
