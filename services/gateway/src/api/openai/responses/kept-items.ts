import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

interface Kept {
  readonly sealed: Buffer;
  readonly untilMs: number;
}

/** Items of one owner, a client with its project: rules on data are theirs. */
export interface OwnItems {
  /** An id that nobody can guess. @param kind what OpenAI's ids of such items begin with: `msg`, `fc`, `ctc`. */
  newId(kind: string): string;
  /** Of more than fits, the oldest go. */
  keep(id: string, item: object): void;
  /** Undefined: it is not kept here, not any more, or not this owner's. */
  find(id: string): unknown;
}

const keptMs = 3_600_000;
const maxBytes = 32 * 1024 * 1024;
/** A longer item is not kept: it would drive out too many others. */
const maxItemBytes = 256 * 1024;
const tagBytes = 16;

/**
 * Items of answers that later requests may refer to by their id, for an hour, in this process alone. The owner and the id
 * are the key: what is kept is encrypted with them and found by their digest. So nobody can read it who was not given the
 * id, and nobody else to whom the id was passed on.
 */
export class KeptItems {
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The items of one owner. */
  of(owner: string): OwnItems {
    const keyed = (id: string): string => `${id}:${owner}`;
    return {
      newId: (kind) => `${kind}_${randomBytes(24).toString('hex')}`,
      keep: (id, item) => this.#keep(keyed(id), item),
      find: (id) => this.#find(keyed(id)),
    };
  }

  #keep(id: string, item: object): void {
    const sealed = seal(id, Buffer.from(JSON.stringify(item)));
    if (sealed.length > maxItemBytes) return;
    this.#kept.set(digestOf('place', id), { sealed, untilMs: this.#nowMs() + keptMs });
    this.#bytes += sealed.length;
    for (const [place, { untilMs }] of this.#kept) {
      if (this.#bytes <= maxBytes && untilMs > this.#nowMs()) break;
      this.#remove(place);
    }
  }

  #find(id: string): unknown {
    const place = digestOf('place', id);
    const kept = this.#kept.get(place);
    if (!kept) return undefined;
    if (kept.untilMs > this.#nowMs()) return JSON.parse(unseal(id, kept.sealed).toString());
    this.#remove(place);
    return undefined;
  }

  #remove(place: string): void {
    this.#bytes -= this.#kept.get(place)?.sealed.length ?? 0;
    this.#kept.delete(place);
  }
}

const digestOf = (purpose: string, id: string): string =>
  createHash('sha256').update(`${purpose}:${id}`).digest('base64');

/** Each key seals one item once, so a fixed nonce is safe. */
const nonce = Buffer.alloc(12);
const keyOf = (id: string): Buffer => createHash('sha256').update(`key:${id}`).digest();

function seal(id: string, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unseal(id: string, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', keyOf(id), nonce);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
}
