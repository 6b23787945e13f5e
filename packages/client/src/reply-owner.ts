import type { Bus, LivenessMonitor, Loss, Work } from '@will/bus';
import { create, subjects, toBinary, wire } from '@will/contracts';

/** The process that owns the reply to a task: the router until an attempt has content, its worker from then on. */
export class ReplyOwner {
  readonly #bus: Bus;
  readonly #life: LivenessMonitor;
  readonly #task: Work;
  #id = '';
  #stopWatching: (() => void) | undefined;

  constructor({ bus, life }: { readonly bus: Bus; readonly life: LivenessMonitor }, task: Work) {
    this.#bus = bus;
    this.#life = life;
    this.#task = task;
  }

  /** False: nobody has spoken yet. */
  get isKnown(): boolean {
    return this.#id !== '';
  }

  /** Takes a process for the owner, in the place of any before. `onLost` comes once, when it dies or loses the task. */
  watch(id: string, onLost: (loss: Loss) => void): void {
    this.#stopWatching?.();
    this.#id = id;
    this.#stopWatching = this.#life.watch(id, onLost, this.#task);
  }

  /** Takes a process for the owner without watching it. */
  name(id: string): void {
    this.#id = id;
  }

  /** Nobody owns it: the task is sent anew. */
  forget(): void {
    this.#id = '';
  }

  /** It spoke, so it lives. */
  heard(): void {
    if (this.isKnown) this.#life.heard(this.#id);
  }

  /** Tells it that nobody wants the answer any more. Nothing is sent while nobody owns it or NATS is not connected. */
  cancel(): void {
    if (!this.isKnown || !this.#bus.isConnected) return;
    const cancel = create(wire.CancelSchema, { taskId: this.#task.id });
    this.#bus.publish(subjects.cancel(this.#id, this.#task.client), toBinary(wire.CancelSchema, cancel));
  }

  stopWatching(): void {
    this.#stopWatching?.();
  }
}
