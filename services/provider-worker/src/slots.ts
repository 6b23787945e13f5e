/** A model's slots in this process. Full is told at once; free is told when it was full before. */
export class Slots {
  readonly capacity: number;
  readonly #onFull: () => void;
  readonly #onFreeAgain: (free: number) => void;
  #taken = 0;

  constructor(capacity: number, onFull: () => void, onFreeAgain: (free: number) => void) {
    this.capacity = capacity;
    this.#onFull = onFull;
    this.#onFreeAgain = onFreeAgain;
  }

  get taken(): number {
    return this.#taken;
  }

  get free(): number {
    return this.capacity - this.#taken;
  }

  /** Takes a slot if one is free. */
  take(): boolean {
    if (this.#taken >= this.capacity) return false;
    this.#taken += 1;
    if (this.#taken === this.capacity) this.#onFull();
    return true;
  }

  give(): void {
    const wasFull = this.#taken === this.capacity;
    this.#taken -= 1;
    if (wasFull) this.#onFreeAgain(this.free);
  }
}
