import { type Bus, BusError, type Incoming, type Serving } from '@will/bus';
import type { Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

interface Listener {
  readonly actor: Actor;
  readonly pattern: string;
  readonly hear: (message: Incoming) => unknown;
}

/** Subjects of the bus: everybody hears what they listen to, and of those who serve one at random is asked. */
export class Switchboard {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #listeners = new Set<Listener>();
  readonly #servers = new Set<Listener>();

  constructor(time: VirtualTime, network: Network) {
    this.#time = time;
    this.#network = network;
  }

  busOf(actor: Actor): Bus {
    const network = this.#network;
    const away = (): BusError => new BusError('disconnected', 'NATS is not connected');
    return {
      get connection(): never {
        throw new Error('nothing simulated speaks to the server itself');
      },
      processId: actor.name,
      get isConnected() {
        return network.isConnected(actor);
      },
      publish: (subject, data) => {
        if (!network.isConnected(actor)) throw away();
        for (const one of this.#listeners)
          if (matches(one.pattern, subject)) network.send(() => void one.hear(incoming(subject, data)), one.actor);
      },
      request: (subject, data, timeoutMs) => this.#request(subject, data, timeoutMs),
      listen: (pattern, hear) => {
        const listener = { actor, pattern, hear };
        this.#listeners.add(listener);
        return { unsubscribe: () => void this.#listeners.delete(listener) } as ReturnType<Bus['listen']>;
      },
      serve: (pattern, _queue, hear): Serving => {
        const server = { actor, pattern, hear };
        this.#servers.add(server);
        return { stop: async () => void this.#servers.delete(server) };
      },
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
      onConnectionChange: (listener) => network.onConnectionChange(actor, listener),
      close: async () => {},
    };
  }

  #request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const asker = this.#time.actor;
    return new Promise((resolve, reject) => {
      this.#time.after(timeoutMs, () => reject(new BusError('timeout', `no answer from ${subject}`)), asker);
      this.#network.send(() => {
        const able = [...this.#servers].filter(({ actor, pattern }) => !actor.isDead && matches(pattern, subject));
        const server = able[this.#time.random.below(able.length)];
        if (!server)
          return this.#network.send(() => reject(new BusError('no_responders', `nobody serves ${subject}`)), asker);
        this.#network.send(() => {
          Promise.resolve(server.hear(incoming(subject, data))).then(
            (answer) => this.#network.send(() => resolve(answer as Uint8Array), asker),
            () => {},
          );
        }, server.actor);
      });
    });
  }
}

const incoming = (subject: string, data: Uint8Array): Incoming => ({ subject, data, reply: '', isNoResponders: false });

function matches(pattern: string, subject: string): boolean {
  return pattern.endsWith('>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}
