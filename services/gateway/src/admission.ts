import type { IncomingHttpHeaders } from 'node:http';
import { identity } from './keys/identity.ts';

/**
 * How many tasks may be in flight through all doors of this process together. From half full on nobody holds more than
 * an equal share of nine tenths, so that one client's flood leaves room for the others, and for who comes later.
 */
export class Admission {
  readonly most: number;
  readonly #byClient = new Map<string, number>();
  #inFlight = 0;
  constructor(most: number) {
    this.most = most;
  }
  /** Whether one more of this client may begin; who got in calls `leave` once. */
  enter(client = ''): boolean {
    if (this.whyFull(client) !== undefined) return false;
    this.#inFlight += 1;
    this.#byClient.set(client, this.#of(client) + 1);
    return true;
  }
  leave(client = ''): void {
    this.#inFlight -= 1;
    const left = this.#of(client) - 1;
    if (left > 0) this.#byClient.set(client, left);
    else this.#byClient.delete(client);
  }
  /** Why one more of this client may not begin now; undefined: it may. */
  whyFull(client: string): string | undefined {
    if (this.#inFlight >= this.most) return `${this.most} tasks are in flight here already`;
    if (this.#inFlight < this.most / 2) return undefined;
    const own = this.#of(client);
    const share = Math.ceil((0.9 * this.most) / (this.#byClient.size + (own === 0 ? 1 : 0)));
    return own < share ? undefined : `${own} tasks of this client are in flight here already, its share is ${share}`;
  }
  #of(client: string): number {
    return this.#byClient.get(client) ?? 0;
  }
}

/** Who asks, as far as it is known before a body is read: the key's client, without keys what the header says. */
export const clientAsking = (headers: IncomingHttpHeaders): string =>
  identity()?.client ?? String(headers['x-will-client'] ?? 'default');
