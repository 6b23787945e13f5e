/** So many rounds of all slots after it was full last there may be some who wait, and whose word was lost. */
const roundsTold = 4;

/** A model's slots in this process. Full is told at once; free is told when it was full lately. */
export class Slots {
  readonly capacity: number;
  readonly #onFull: () => void;
  readonly #onFreeAgain: (free: number) => void;
  #taken = 0;
  #toTell = 0;

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
    if (this.#taken === this.capacity) {
      this.#toTell = roundsTold * this.capacity;
      this.#onFull();
    }
    return true;
  }

  give(): void {
    this.#taken -= 1;
    if (this.#toTell === 0) return;
    this.#toTell -= 1;
    this.#onFreeAgain(this.free);
  }
}
