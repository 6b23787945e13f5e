import {
  announce,
  type Bus,
  followKeys,
  followSnapshot,
  type KeysView,
  openPayloads,
  sessionSecret,
  type Payloads,
  type ProcessesView,
  type SnapshotView,
  watchProcesses,
} from '@will/bus';
import { connectClient, type TaskClient } from '@will/client';
import type { CallerPayloads, Fleet, Queries, Backends } from '../ports.ts';
import { busQueries } from './bus-queries.ts';

/** The parts of the bus, one by one as they come, so that the server can already say what is missing. */
export class BusBackends implements Backends {
  client: TaskClient | undefined;
  fleet: Fleet | undefined;
  queries: Queries | undefined;
  payloads: CallerPayloads | undefined;
  keys: KeysView | undefined;
  sessionSecret: Uint8Array | undefined;
  #bus: Bus | undefined;
  #snapshots: SnapshotView | undefined;
  readonly #toClose: (() => void | Promise<void>)[] = [];
  readonly #metricsUrl: string;

  /** `metricsUrl`: where this process's metrics are asked; '': nowhere. */
  constructor(metricsUrl = '') {
    this.#metricsUrl = metricsUrl;
  }

  get isBusConnected(): boolean {
    return this.#bus?.isConnected === true;
  }
  get snapshot(): Backends['snapshot'] {
    return this.#snapshots?.current;
  }

  async connect(bus: Bus): Promise<void> {
    this.#bus = bus;
    this.queries = busQueries(bus);
    this.payloads = callerPayloads(openPayloads(bus));
    this.sessionSecret = await sessionSecret(bus);
    const keys = await followKeys(bus);
    this.keys = keys;
    this.#toClose.push(() => keys.stop());
    const snapshots = await followSnapshot(bus);
    this.#snapshots = snapshots;
    this.#toClose.push(() => snapshots.stop());
    const processes = await watchProcesses(bus);
    this.fleet = fleetOf(processes);
    this.#toClose.push(() => processes.stop());
    const client = await connectClient({ bus });
    this.client = client;
    this.#toClose.push(() => client.close());
    const presence = await announce(bus, 'gateway', () => ({
      revision: snapshots.current?.revision ?? 0,
      metricsUrl: this.#metricsUrl,
    }));
    this.#toClose.push(
      () => presence.stop(),
      snapshots.onChange(() => presence.update()),
    );
  }

  /** Ends all that was begun on the bus, newest first. */
  async close(): Promise<void> {
    for (const close of this.#toClose.splice(0).reverse()) await close();
  }
}

/** Computed again only after a change: it is asked for with every look at the models. */
export function fleetOf(view: ProcessesView): Fleet {
  let services = new Set<string>();
  let served = new Set<string>();
  const read = (): void => {
    services = new Set();
    served = new Set();
    for (const { service, models } of view.processes.values()) {
      services.add(service);
      for (const { model, reason } of models) if (reason === '') served.add(model);
    }
  };
  view.onChange(read);
  read();
  return { has: (service) => services.has(service), servedModels: () => served };
}

/** Below all names: the caller that asks has become the slug of a client. */
const callerPayloads = (payloads: Payloads): CallerPayloads => ({
  put: ({ client = '' }, content, field) => payloads.put(client, content, field),
  get: (ref, signal) => payloads.get(ref, signal),
  remove: (ref) => payloads.remove(ref),
});
