import type { TaskClient } from '@will/client';
import type { CallerPayloads, Queries, Backends } from '../../ports.ts';

/** Parts that stand between a route and what does something in a caller's name. */
export interface Wrappers {
  client(client: TaskClient): TaskClient;
  queries(queries: Queries): Queries;
  /** Called at each use: it may depend on whose request it is. */
  payloads(payloads: CallerPayloads): CallerPayloads;
}

/** Backends whose acting parts are wrapped, once for each that the bus gives; the others are those below. */
export class WrappedBackends implements Backends {
  readonly #open: Backends;
  readonly #wrappers: Wrappers;
  #client: readonly [TaskClient, TaskClient] | undefined;
  #queries: readonly [Queries, Queries] | undefined;

  constructor(open: Backends, wrappers: Wrappers) {
    this.#open = open;
    this.#wrappers = wrappers;
  }
  get client(): TaskClient | undefined {
    const { client } = this.#open;
    if (!client) return undefined;
    if (this.#client?.[0] !== client) this.#client = [client, this.#wrappers.client(client)];
    return this.#client[1];
  }
  get queries(): Queries | undefined {
    const { queries } = this.#open;
    if (!queries) return undefined;
    if (this.#queries?.[0] !== queries) this.#queries = [queries, this.#wrappers.queries(queries)];
    return this.#queries[1];
  }
  get payloads(): CallerPayloads | undefined {
    const { payloads } = this.#open;
    return payloads && this.#wrappers.payloads(payloads);
  }
  get snapshot(): Backends['snapshot'] {
    return this.#open.snapshot;
  }
  get fleet(): Backends['fleet'] {
    return this.#open.fleet;
  }
  get isBusConnected(): boolean {
    return this.#open.isBusConnected;
  }
  get keys(): Backends['keys'] {
    return this.#open.keys;
  }
  get sessionSecret(): Backends['sessionSecret'] {
    return this.#open.sessionSecret;
  }
}
