import { nameKey } from '@will/core';
import type { IncomingHttpHeaders } from 'node:http';
import { identity } from '../auth/keys/identity.ts';

interface Inside {
  inFlight: number;
  /** Refused since, and not yet made up for by one that left. */
  owed: number;
}

/** Before anything has left. */
const defaultStayMs = 1_000;
const shortestRetryMs = 100;
const maxRetryMs = 60_000;
/** What the newest stay counts for in the usual one. */
const newestShare = 0.1;

/**
 * Bounds how many tasks may be in flight through all servers of this process together. From half full on nobody holds
 * more than an equal share of nine tenths, so that one client's rejections leaves room for the others, and for who
 * comes later.
 */
export class Admission {
  readonly most: number;
  readonly #nowMs: () => number;
  readonly #byClient = new Map<string, Inside>();
  #inFlight = 0;
  #stayMs = defaultStayMs;
  /** Stays of all that are inside, added up since the last one left: tasks × milliseconds. */
  #stayed = 0;
  #seenMs: number;

  /** @param nowMs a clock that only goes forward */
  constructor(most: number, nowMs: () => number = () => performance.now()) {
    this.most = most;
    this.#nowMs = nowMs;
    this.#seenMs = nowMs();
  }

  /** Whether one more of this client may begin; who got in calls `leave` once. */
  enter(client = ''): boolean {
    if (this.whyFull(client) !== undefined) return false;
    this.#addStays();
    this.#inFlight += 1;
    const inside = this.#byClient.get(client) ?? { inFlight: 0, owed: 0 };
    inside.inFlight += 1;
    this.#byClient.set(client, inside);
    return true;
  }

  leave(client = ''): void {
    this.#addStays();
    this.#stayMs += newestShare * (this.#stayed - this.#stayMs);
    this.#stayed = 0;
    this.#inFlight -= 1;
    const inside = this.#byClient.get(client);
    if (!inside) return;
    inside.inFlight -= 1;
    inside.owed = Math.max(0, inside.owed - 1);
    if (inside.inFlight === 0) this.#byClient.delete(client);
  }

  /** Why one more of this client may not begin now; undefined: it may. */
  whyFull(client: string): string | undefined {
    if (this.#inFlight >= this.most) return `${this.most} tasks are in flight here already`;
    if (this.#inFlight < this.most / 2) return undefined;
    const own = this.#of(client);
    const share = Math.ceil((0.9 * this.most) / (this.#byClient.size + (own === 0 ? 1 : 0)));
    return own < share ? undefined : `${own} tasks of this client are in flight here already, its share is ${share}`;
  }

  /**
   * When who is refused now may find a place: by Little's law one leaves every (usual stay / tasks inside), and who was
   * refused before has the places before. Who has nothing inside is told when anything leaves.
   */
  retryAfterMs(client = ''): number {
    const inside = this.#byClient.get(client);
    // A full room of rejected ones is as long as the queue gets: of the others nobody knows whether they still wait.
    if (inside) inside.owed = Math.min(inside.owed + 1, this.most);
    const [turn, leaving] = inside ? [inside.owed, inside.inFlight] : [1, this.#inFlight];
    const waitMs = (turn * this.#stayMs) / Math.max(1, leaving);
    return Math.round(Math.min(maxRetryMs, Math.max(shortestRetryMs, waitMs)));
  }

  #addStays(): void {
    const nowMs = this.#nowMs();
    this.#stayed += this.#inFlight * (nowMs - this.#seenMs);
    this.#seenMs = nowMs;
  }

  #of(client: string): number {
    return this.#byClient.get(client)?.inFlight ?? 0;
  }
}

/**
 * The client that asks, as far as it is known before a body is read: the key's client, without keys what the header
 * says.
 */
export const clientAsking = (headers: IncomingHttpHeaders): string =>
  identity()?.client ?? nameKey(String(headers['x-will-client'] ?? 'default'));
