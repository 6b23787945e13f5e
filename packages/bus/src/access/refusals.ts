/** Words of a service for the audit log. */
export interface AuditWords {
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
}

/** Of one kind: the same actor, object and reason. */
interface Gathered {
  readonly words: AuditWords;
  count: number;
  firstMs: number;
  lastMs: number;
}

/** So many kinds are told apart in one window; actors, routes and reasons are few, so only an attack comes near. */
const maxKinds = 1_000;

/**
 * Refusals, gathered: the first of a kind in a window is noted as it comes, the others as one note with their number,
 * first and last instant at the window's end. So refusals, however many, cannot fill the audit log.
 */
export class GatheredRefusals {
  readonly #note: (words: AuditWords) => void;
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  readonly #kinds = new Map<string, Gathered>();
  #timer: NodeJS.Timeout | undefined;

  constructor(note: (words: AuditWords) => void, windowMs: number, nowMs: () => number) {
    this.#note = note;
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
  }

  add(words: AuditWords): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#windowMs).unref();
    const key = kindOf(words);
    const known = this.#kinds.get(key);
    if (known) return this.#count(known);
    if (this.#kinds.size >= maxKinds) return this.#addOther(words);
    this.#kinds.set(key, { words, count: 0, firstMs: 0, lastMs: 0 });
    this.#note(words);
  }

  /** Notes what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const gathered = [...this.#kinds.values()].filter(({ count }) => count > 0);
    this.#kinds.clear();
    for (const { words, count, firstMs, lastMs } of gathered)
      this.#note({ ...words, detail: `${count} more, ${instant(firstMs)} to ${instant(lastMs)}: ${words.detail}` });
  }

  #count(gathered: Gathered): void {
    const nowMs = this.#nowMs();
    gathered.count += 1;
    gathered.firstMs ||= nowMs;
    gathered.lastMs = nowMs;
  }

  #addOther({ action }: AuditWords): void {
    const words = { actor: 'others', action, object: '', detail: `kinds beyond ${maxKinds} in one window` };
    const others = this.#kinds.get(kindOf(words)) ?? { words, count: 0, firstMs: 0, lastMs: 0 };
    this.#kinds.set(kindOf(words), others);
    this.#count(others);
  }
}

/** What a reason quotes is the caller's, and there is no end of it: it makes no kind of its own. */
const kindOf = ({ actor, action, object, detail }: AuditWords): string =>
  JSON.stringify([actor, action, object, detail.split('"', 1)[0]]);

const instant = (ms: number): string => new Date(ms).toISOString();
