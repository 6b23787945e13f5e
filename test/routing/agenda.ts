interface Entry {
  readonly atMs: number;
  readonly n: number;
  readonly act: () => void;
}

/** What happens when, in order of time; at the same instant in order of telling. A binary heap. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #n = 0;

  add(atMs: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, n: this.#n, act });
    this.#n += 1;
    for (let at = heap.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  /** Until nothing is left. */
  run(): void {
    for (let next = this.#take(); next; next = this.#take()) next.act();
  }

  #take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#at(a), this.#at(b)];
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.n < other.n);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#at(b), this.#at(a)];
  }

  #at(index: number): Entry {
    return this.#heap[index] as Entry;
  }
}
