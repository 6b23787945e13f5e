/**
 * Collections for what comes and goes with every task. A `Map` or `Set` of V8 that outgrows its table, which happens again
 * and again while entries come and go, leaves the old table linked to the new one, with all its entries in place. Once such
 * a table lies in the old generation, as that of a collection made at the start does, it keeps every later table and every
 * entry that was in one of them until the next full collection. For 32 objects of 3 KB at a time that doubles the processor time.
 */

interface Box<V> {
  value: V | undefined;
}

/** By a string. What left it is let go of at once; its key is not. */
export class TransientMap<V> {
  readonly #boxes = new Map<string, Box<V>>();

  get size(): number {
    return this.#boxes.size;
  }

  has(key: string): boolean {
    return this.#boxes.has(key);
  }

  get(key: string): V | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: string, value: V): void {
    const box = this.#boxes.get(key);
    if (box) box.value = value;
    else this.#boxes.set(key, { value });
  }

  /** @returns whether it was there. */
  delete(key: string): boolean {
    const box = this.#boxes.get(key);
    if (!box) return false;
    box.value = undefined;
    return this.#boxes.delete(key);
  }

  /** As they are now, in the order in which their keys came. */
  values(): V[] {
    return Array.from(this.#boxes.values(), ({ value }) => value as V);
  }
}

interface Entry<T> {
  readonly item: T;
  index: number;
}

/** Items in no order. An item that is added twice is there twice. */
export class TransientSet<T> implements Iterable<T> {
  readonly #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** Returns what takes it out again; that says whether it was still there. */
  add(item: T): () => boolean {
    const entry = { item, index: this.#entries.length };
    this.#entries.push(entry);
    return () => this.#remove(entry);
  }

  /** Of the items as they are now. */
  [Symbol.iterator](): Iterator<T> {
    return this.#entries.map(({ item }) => item)[Symbol.iterator]();
  }

  /** The last one takes its place. */
  #remove(entry: Entry<T>): boolean {
    if (entry.index < 0) return false;
    const last = this.#entries.pop() as Entry<T>;
    if (last !== entry) {
      this.#entries[entry.index] = last;
      last.index = entry.index;
    }
    entry.index = -1;
    return true;
  }
}
