import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream } from './replaying-upstream.ts';

export interface ContainerEngine {
  /** `unix:///…` */
  readonly address: string;
  /** What was asked: `POST /containers/create`. */
  readonly asked: readonly string[];
  /** The body of the last container that was made. */
  readonly lastMade: object | undefined;
  /** How many of its containers run. */
  readonly running: number;
  /** A container that runs without anybody having made it here. */
  addRunning(image: string, port: number): Promise<string>;
  /** As if the process in the container died. */
  crash(id: string, end: { readonly exitCode: number; readonly ranOutOfMemory?: boolean }): Promise<void>;
  close(): Promise<void>;
}

interface Container {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
  server: ReplayingUpstream | undefined;
  exitCode: number;
  ranOutOfMemory: boolean;
  /** When its health check first passes. */
  healthyAtMs: number;
}

export interface ContainerEngineOptions {
  readonly images: readonly string[];
  /** How long a started container says that it is starting; absent: images have no health check. */
  readonly startingMs?: number;
  /** How long its servers pause between two pieces of an answer. */
  readonly gapMs?: number;
}

/**
 * A container engine on a socket of its own, in the Docker engine's wire format (API 1.41). What "runs" in a container is an
 * upstream that answers as an OpenAI-compatible server.
 */
export async function startContainerEngine(options: ContainerEngineOptions): Promise<ContainerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'will-engine-'));
  const socket = join(folder, 'engine.sock');
  const engine = new FakeEngine(options);
  const server = createServer((request, response) => void engine.answer(request, response));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    address: `unix://${socket}`,
    asked: engine.asked,
    get lastMade() {
      return engine.lastMade;
    },
    get running() {
      return engine.running;
    },
    addRunning: (image, port) => engine.addRunning(image, port),
    crash: (id, end) => engine.crash(id, end),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.stopAll();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface MakeBody {
  readonly Image: string;
  readonly Labels?: Record<string, string>;
  readonly ExposedPorts?: Record<string, object>;
}

class FakeEngine {
  readonly asked: string[] = [];
  lastMade: object | undefined;
  readonly #options: ContainerEngineOptions;
  readonly #containers = new Map<string, Container>();
  #made = 0;

  constructor(options: ContainerEngineOptions) {
    this.#options = options;
  }

  get running(): number {
    return [...this.#containers.values()].filter(({ server }) => server).length;
  }

  async addRunning(image: string, port: number): Promise<string> {
    const container = this.#add(`foreign-${this.#made}`, image, {}, port);
    await this.#start(container);
    return container.id;
  }

  async crash(
    id: string,
    { exitCode, ranOutOfMemory = false }: Parameters<ContainerEngine['crash']>[1],
  ): Promise<void> {
    const container = this.#find(id);
    if (!container) throw new Error(`there is no container ${id}`);
    await this.#stop(container);
    container.exitCode = exitCode;
    container.ranOutOfMemory = ranOutOfMemory;
  }

  async stopAll(): Promise<void> {
    for (const container of this.#containers.values()) await this.#stop(container);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, , id = '', verb = ''] = url.pathname.split('/').map(decodeURIComponent);
    this.asked.push(`${request.method} ${url.pathname}`);
    const reply = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    if (request.method === 'GET' && id === 'json')
      return reply(200, this.#list(url.searchParams.get('filters') ?? '{}'));
    if (request.method === 'POST' && id === 'create')
      return this.#create(url.searchParams.get('name') ?? '', await readJson(request), reply);
    const container = this.#find(id);
    if (!container) return reply(404, { message: `No such container: ${id}` });
    if (request.method === 'GET' && verb === 'json') return reply(200, this.#inspected(container));
    if (verb !== 'start' && verb !== 'stop') return reply(404, { message: 'page not found' });
    const isDone = (verb === 'start') === (container.server !== undefined);
    if (!isDone) await (verb === 'start' ? this.#start(container) : this.#stop(container));
    return reply(isDone ? 304 : 204);
  }

  #list(filters: string): unknown {
    const { ancestor = [] } = JSON.parse(filters) as { ancestor?: string[] };
    return [...this.#containers.values()]
      .filter(({ image, server }) => server && ancestor.includes(image))
      .map(({ id, image, labels }) => ({ Id: id, Image: image, Labels: labels, State: 'running' }));
  }

  #create(name: string, body: MakeBody, reply: (status: number, body?: unknown) => void): void {
    if (!this.#options.images.includes(body.Image)) return reply(404, { message: `No such image: ${body.Image}` });
    if (this.#find(name)) return reply(409, { message: `Conflict. The container name "/${name}" is already in use` });
    this.lastMade = body;
    const port = Number.parseInt(Object.keys(body.ExposedPorts ?? {})[0] ?? '0', 10);
    reply(201, { Id: this.#add(name, body.Image, body.Labels ?? {}, port).id, Warnings: [] });
  }

  #add(name: string, image: string, labels: Record<string, string>, port: number): Container {
    this.#made += 1;
    const id = this.#made.toString(16).padStart(64, 'c');
    const container: Container = {
      id,
      name,
      image,
      labels,
      port,
      server: undefined,
      exitCode: 0,
      ranOutOfMemory: false,
      healthyAtMs: 0,
    };
    this.#containers.set(id, container);
    return container;
  }

  async #start(container: Container): Promise<void> {
    const server = await startReplayingUpstream();
    const model = container.labels['will.model'];
    const { gapMs } = this.#options;
    if (model !== undefined && gapMs !== undefined) server.script(model, { kind: 'answer', gapMs });
    container.server = server;
    container.ranOutOfMemory = false;
    container.healthyAtMs = performance.now() + (this.#options.startingMs ?? 0);
  }

  async #stop(container: Container): Promise<void> {
    const { server } = container;
    container.server = undefined;
    container.exitCode = 0;
    await server?.close();
  }

  #find(idOrName: string): Container | undefined {
    return this.#containers.get(idOrName) ?? [...this.#containers.values()].find(({ name }) => name === idOrName);
  }

  #inspected({ id, name, image, port, server, exitCode, ranOutOfMemory, healthyAtMs }: Container): unknown {
    const isRunning = server !== undefined;
    const health = performance.now() >= healthyAtMs ? 'healthy' : 'starting';
    return {
      Id: id,
      Name: `/${name}`,
      Config: { Image: image },
      State: {
        Status: isRunning ? 'running' : 'exited',
        Running: isRunning,
        ExitCode: exitCode,
        OOMKilled: ranOutOfMemory,
        ...(this.#options.startingMs !== undefined && { Health: { Status: isRunning ? health : 'none' } }),
      },
      NetworkSettings: {
        Ports: isRunning ? { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: new URL(server.url).port }] } : {},
      },
    };
  }
}

async function readJson(request: IncomingMessage): Promise<MakeBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as MakeBody;
}
