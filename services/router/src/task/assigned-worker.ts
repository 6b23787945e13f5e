import type { Loss } from '@will/bus';
import type { wire } from '@will/contracts';
import type { Calls } from '../ports.ts';
import type { CallDelivery, Deliveries, DeliveriesListener } from './deliveries.ts';

const notWatched = (): void => {};

/** The worker that has a delivery of an attempt, or may have it: at most one at a time. */
export class AssignedWorker {
  /** '' until a worker spoke. */
  id = '';
  isAccepted = false;
  readonly #calls: Calls;
  readonly #client: string;
  readonly #deliveries: Deliveries;
  readonly #attempt: Pick<DeliveriesListener, 'sent'>;
  #delivery: CallDelivery | undefined;
  #stopWatching = notWatched;

  constructor(calls: Calls, client: string, deliveries: Deliveries, attempt: Pick<DeliveriesListener, 'sent'>) {
    this.#calls = calls;
    this.#client = client;
    this.#deliveries = deliveries;
    this.#attempt = attempt;
  }

  /** The delivery that it has. Undefined: no worker is assigned. */
  get delivery(): CallDelivery | undefined {
    return this.#delivery;
  }

  /** The delivery arrived at a worker, which says within a time whether it takes it. A lost one is sent again. */
  assign(delivery: CallDelivery, id: string, withinMs: number): void {
    this.#assign(delivery, id, () => this.giveUp());
    this.#deliveries.awaitWord(withinMs);
  }

  /** The worker took it. */
  accept(delivery: CallDelivery, id: string, onLost: (loss: Loss) => void): void {
    this.#assign(delivery, id, onLost);
    this.isAccepted = true;
  }

  /** Watches it in the place of any watch before. */
  watch(onLost: (loss: Loss) => void): void {
    if (!this.#delivery) return;
    this.#stopWatching();
    this.#stopWatching = this.#calls.watch(this.id, onLost, { client: this.#client, id: this.#delivery.id });
  }

  stopWatching(): void {
    this.#stopWatching();
  }

  /** The one that had it is no longer counted on. */
  release(): void {
    this.#stopWatching();
    this.#delivery = undefined;
    this.isAccepted = false;
    this.id = '';
  }

  /** Releases it, and sends the call again. */
  giveUp(): void {
    this.release();
    this.#deliveries.sendAgain();
  }

  /** Sends it a command about its delivery; does nothing while none is assigned. */
  command(command: wire.CallCommand): void {
    if (this.#delivery && this.id !== '') this.#calls.command(this.id, this.#delivery.id, command);
  }

  /** Each delivery comes to one worker: from here on what is said of others does not count. */
  #assign(delivery: CallDelivery, id: string, onLost: (loss: Loss) => void): void {
    this.#deliveries.stopWaiting();
    this.#delivery = delivery;
    this.#attempt.sent(delivery);
    this.id = id;
    this.watch(onLost);
  }
}
