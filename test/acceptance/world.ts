import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bus, connectBus, type ProcessesView, watchProcesses } from '@will/bus';
import { newId } from '@will/contracts';
import { connectClient, type TaskClient } from '@will/client';
import { tinyGguf } from '@will/testkit';
import { isServed } from '../support/system.ts';
import { until } from '../support/until.ts';
import type { Said } from '../support/willm.ts';
import { caller } from './caller.ts';
import { type Http, openHttp } from './http.ts';
import { openKeys } from './keys.ts';
import { NotPossibleHere } from './not-possible-here.ts';
import type { Names } from './names.ts';
import type { Product } from './product.ts';
import { openUpstream, type Upstream } from './upstream.ts';
import { saidJson, type Willm, willmOf } from './willm.ts';

/** What the checks of all lines share: the product from outside, and the upstream that counts what reaches it. */
export interface World extends Http {
  readonly product: Product;
  readonly upstream: Upstream;
  /** A connection of an operator. */
  readonly bus: Bus;
  /** Live processes, as they announce themselves on the bus. */
  readonly processes: ProcessesView;
  /** Whether the servers ask for keys; {@link post}, {@link get} and {@link grpc} show one of the client's. */
  readonly asksForKeys: boolean;
  /** Tasks over the bus, of the client {@link caller} where none is named. */
  readonly tasks: Asker;
  /** Tasks of a client over gRPC. @throws {NotPossibleHere} the product's gRPC server is not known */
  grpc(client?: string): Promise<Asker>;
  willm: Willm;
  /** Runs `willm … --json`. @throws the command failed */
  willmJson(...args: string[]): Promise<unknown>;
  /** Applies a text by the command line, and returns what it said. */
  apply(text: string, ...flags: string[]): Promise<Said>;
  /** Models that the upstream saw requests for since {@link forget}. */
  called(): readonly string[];
  /** Forgets what the upstream saw, and lets every model answer. */
  forget(): void;
  readonly files: Files;
}

/** Has tasks done and explained. */
export type Asker = Pick<TaskClient, 'run' | 'explain'>;

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
  /** Resolves once nothing of the run is under way. Keys that were made are revoked. */
  close(): Promise<void>;
}

export async function openWorld(product: Product): Promise<OpenWorld> {
  const { names } = product;
  const upstream = await openUpstream(product);
  const files = await makeFiles();
  const bus = await connectBus({
    servers: product.bus.url,
    seedFile: product.bus.seedFile,
    tls: product.bus.tls,
    processId: `acceptance-${newId()}`,
    inboxScope: 'acceptance',
  });
  const processes = await watchProcesses(bus);
  const tasks = await connectClient({ bus });
  const overGrpc: TaskClient[] = [];
  const commands = new Set<Promise<Said>>();
  let isOver = false;
  const asOperator: Willm = (...args) => {
    if (isOver) throw new Error('the run is over');
    const command = willmOf(product.bus)(...args.map(names.ours));
    commands.add(command);
    return command.finally(() => commands.delete(command));
  };
  const willm: Willm = async (...args) => names.read(await asOperator(...args));
  const keys = await openKeys(product.httpUrl, asOperator);
  return {
    product,
    files,
    bus,
    processes,
    asksForKeys: keys.areAsked,
    tasks: named(names, tasks),
    willm,
    upstream,
    ...openHttp(product, keys),
    async grpc(client = caller) {
      if (product.grpcUrl === undefined)
        throw new NotPossibleHere('the address of the gRPC server is not known: give it by --grpc');
      const apiKey = await keys.of(client);
      const opened = await connectClient({ servers: product.grpcUrl, ...(apiKey !== undefined && { apiKey }) });
      overGrpc.push(opened);
      return named(names, opened, client);
    },
    willmJson: async (...args) => names.read(await saidJson(asOperator, ...args)),
    async apply(text, ...flags) {
      const path = join(files.folder, 'apply.yaml');
      await writeFile(path, names.documents(text));
      return willm('apply', '-f', path, ...flags);
    },
    called: upstream.called,
    forget: upstream.forget,
    async close() {
      await keys.revoke();
      isOver = true;
      await Promise.allSettled(commands);
      for (const opened of overGrpc) await opened.close();
      await tasks.close();
      await processes.stop();
      await bus.close();
      await upstream.close();
      await rm(files.folder, { recursive: true, force: true });
    },
  };
}

/** What stands in a task for a name, and in a question. */
const namedFields = ['type', 'model', 'client', 'project', 'reflex'] as const;
type NamedFields = Partial<Record<(typeof namedFields)[number], string>>;

/** Under the names of the run. */
function named(names: Names, tasks: Asker, client = caller): Asker {
  const own = <T extends NamedFields>(asked: T): T & NamedFields => {
    const all: T & NamedFields = { client, ...asked };
    const fields = namedFields.flatMap((field) => {
      const name = all[field];
      return name === undefined ? [] : [[field, names.ours(name)] as const];
    });
    return { ...all, ...Object.fromEntries(fields) };
  };
  return {
    run: async (task) => names.read(await tasks.run(own(task))),
    explain: async (question) => names.read(await tasks.explain(own(question))),
  };
}

/** Waits until some worker serves all of these models. */
export const untilServed = ({ processes, product }: World, models: readonly string[]): Promise<void> =>
  until(
    async () => models.every((model) => isServed(processes, product.names.ours(model))),
    `workers that serve ${models.join(', ')}`,
    60_000,
  );

/** Waits until some worker serves a model, or says why it cannot. */
export const untilLoaded = (world: World, model: string): Promise<void> =>
  until(
    async () => ![undefined, 'loading'].includes(reasonOf(world, model)),
    `a worker to load ${model}, or to say why it cannot`,
    60_000,
  );

/** Why a model is not served: '' for one that is; undefined where no worker knows it. */
export const reasonOf = ({ processes, product }: World, model: string): string | undefined =>
  [...processes.processes.values()]
    .flatMap(({ models }) => models)
    .find((served) => served.model === product.names.ours(model))?.reason;
