import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bus, connectBus, type ProcessesView, watchProcesses } from '@will/bus';
import { newId } from '@will/contracts';
import { connectClient, type TaskClient } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream, tinyGguf } from '@will/testkit';
import { isServed } from '../support/system.ts';
import { until } from '../support/until.ts';
import { type Said, willmAt } from '../support/willm.ts';
import type { Product } from './product.ts';

/** What the checks of all lines share: the product from outside, and the upstream that counts what reaches it. */
export interface World {
  readonly product: Product;
  readonly upstream: ReplayingUpstream;
  /** A connection of an operator. */
  readonly bus: Bus;
  /** Live processes, as they announce themselves on the bus. */
  readonly processes: ProcessesView;
  /** Tasks over the bus. */
  readonly tasks: TaskClient;
  /** Tasks over gRPC; throws where the product's gRPC server is not known. */
  grpc(): TaskClient;
  willm(...args: string[]): Promise<Said>;
  /** Runs `willm … --json`. @throws the command failed */
  willmJson(...args: string[]): Promise<unknown>;
  /** Posts to the HTTP server, as `client` where one is named. */
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** Applies a text by the command line, and returns what it said. */
  apply(text: string, ...flags: string[]): Promise<Said>;
  /** Models that the upstream saw requests for since {@link forget}. */
  called(): readonly string[];
  /** Forgets what the upstream saw, and lets every model answer. */
  forget(): void;
  readonly files: Files;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Files that documents name. */
export interface Files {
  readonly folder: string;
  readonly gguf: string;
  readonly keyUrl: string;
}

export async function makeFiles(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'will-acceptance-files-'));
  const gguf = join(folder, 'tiny.gguf');
  const key = join(folder, 'key');
  await writeFile(gguf, tinyGguf());
  await writeFile(key, 'sk-acceptance-0123456789\n');
  return { folder, gguf, keyUrl: pathToFileURL(key).href };
}

export interface OpenWorld extends World {
  close(): Promise<void>;
}

export async function openWorld(product: Product): Promise<OpenWorld> {
  const upstream = await startReplayingUpstream();
  const files = await makeFiles();
  const bus = await connectBus({ servers: product.natsUrl, processId: `acceptance-${newId()}`, inboxScope: 'default' });
  const processes = await watchProcesses(bus);
  const tasks = await connectClient({ bus, client: 'default' });
  const grpc =
    product.grpcAddress === undefined
      ? undefined
      : await connectClient({ servers: `grpc://${product.grpcAddress}`, client: 'default' });
  const willm = willmAt(product.natsUrl);
  const scripted = new Set<string>();
  const script = upstream.script;
  return {
    product,
    files,
    bus,
    processes,
    tasks,
    willm,
    upstream: {
      ...upstream,
      script(model, ...behaviours) {
        scripted.add(model);
        script(model, ...behaviours);
      },
    },
    grpc() {
      if (grpc === undefined) throw new Error('the address of the gRPC server is not known: give it by --grpc');
      return grpc;
    },
    async willmJson(...args) {
      const { code, out, err } = await willm(...args, '--json');
      assert.equal(code, 0, `willm ${args.join(' ')} ended with ${code}: ${err}`);
      return JSON.parse(out) as unknown;
    },
    async post(path, body, headers = {}) {
      const response = await fetch(`${product.httpUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as HttpAnswer['body'],
      };
    },
    async apply(text, ...flags) {
      const path = join(files.folder, 'apply.yaml');
      await writeFile(path, text);
      return willm('apply', '-f', path, ...flags);
    },
    called: () => upstream.requests.map(({ model }) => model),
    forget() {
      for (const model of scripted) script(model, { kind: 'answer' });
      scripted.clear();
      upstream.clear();
    },
    async close() {
      await grpc?.close();
      await tasks.close();
      await processes.stop();
      await bus.close();
      await upstream.close();
      await rm(files.folder, { recursive: true, force: true });
    },
  };
}

/** Waits until some worker serves all of these models. */
export const untilServed = (world: World, models: readonly string[]): Promise<void> =>
  until(
    async () => models.every((model) => isServed(world.processes, model)),
    `workers that serve ${models.join(', ')}`,
    60_000,
  );

/** Why a model is not served: '' for one that is; undefined where no worker knows it. */
export const reasonOf = (world: World, model: string): string | undefined =>
  [...world.processes.processes.values()].flatMap(({ models }) => models).find((served) => served.model === model)
    ?.reason;
