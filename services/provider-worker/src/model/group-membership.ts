import { admitsDataClass, dataClasses, type Model } from '@will/core';
import { contained } from '@will/runtime';
import type { Groups, IncomingCall, Membership } from '../ports.ts';
import type { ModelCircuit } from './model-circuit.ts';
import type { Slots } from './slots.ts';

/** A moment without a free slot is not worth leaving the group. */
const leaveAfterMs = 5;
/** Words about free slots go out at most this often. */
const announceEveryMs = 5;

/** Parts of a served model that decide its membership. */
export interface GroupMembershipDeps {
  readonly groups: Groups;
  readonly model: () => Model;
  readonly slots: () => Slots;
  readonly circuit: () => ModelCircuit;
  readonly onCall: (call: IncomingCall) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** Keeps a model in its queue groups while it is wanted, has a free slot and is not cooling down. */
export class GroupMembership {
  readonly #deps: GroupMembershipDeps;
  /** Health allows it; slots and cooldown decide as well. */
  #isWanted = false;
  #membership: Membership | undefined;
  #leaveTimer: NodeJS.Timeout | undefined;
  #announceTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: GroupMembershipDeps) {
    this.#deps = deps;
  }

  get isMember(): boolean {
    return this.#membership !== undefined;
  }

  /** From now on it is in the groups of the data classes that its tags admit. */
  join(): void {
    this.#isWanted = true;
    this.#enter();
  }

  /** Until it is told to join again. */
  async leave(): Promise<void> {
    this.#isWanted = false;
    await this.#quit();
  }

  /** Leaves, makes the change, and enters again where it is wanted. */
  async during(change: () => void): Promise<void> {
    await this.#quit();
    change();
    this.#enter();
  }

  /** Leaves for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#announceTimer);
    await this.leave();
  }

  /** No slot is free. */
  full(): void {
    this.#leaveTimer = setTimeout(
      contained(() => this.#quitSoon()),
      leaveAfterMs,
    );
  }

  /** A slot is free again. */
  freeAgain(): void {
    clearTimeout(this.#leaveTimer);
    this.#enter();
    this.#announceSoon();
  }

  /** A cooldown began, ended or changed. */
  circuitChanged(): void {
    if (this.#deps.circuit().pause()) return this.#quitSoon();
    this.#enter();
    this.#announceSoon();
  }

  #enter(): void {
    if (this.#membership || this.#isClosed || !this.#isWanted) return;
    const { groups, onCall } = this.#deps;
    if (this.#deps.slots().free === 0 || this.#deps.circuit().pause()) return;
    const model = this.#deps.model();
    const classes = dataClasses.filter((dataClass) => admitsDataClass(model, dataClass));
    this.#membership = groups.join(model.slug, classes, onCall);
  }

  async #quit(): Promise<void> {
    clearTimeout(this.#leaveTimer);
    const membership = this.#membership;
    this.#membership = undefined;
    await membership?.leave();
  }

  #quitSoon(): void {
    this.#quit().catch((error: unknown) =>
      this.#deps.onError(`leaving the group of ${this.#deps.model().slug}`, error),
    );
  }

  #announceSoon(): void {
    if (!this.#membership) return;
    this.#announceTimer ??= setTimeout(
      contained(() => {
        this.#announceTimer = undefined;
        const slots = this.#deps.slots();
        if (slots.free > 0 && this.#membership) this.#deps.groups.announceFree(this.#deps.model().slug, slots.offer);
      }),
      announceEveryMs,
    );
  }
}
