import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

interface Kept {
  readonly sealed: Buffer;
  readonly untilMs: number;
}

const keptMs = 3_600_000;
const maxBytes = 32 * 1024 * 1024;
/** A longer item is not kept: it would drive out too many others. */
const maxItemBytes = 256 * 1024;
const tagBytes = 16;

/**
 * Items of answers that later requests may refer to by their id, for an hour, in this process alone. The id is the key:
 * what is kept is encrypted with it and found by its digest, so that nobody can read it who was not given the id.
 */
export class KeptItems {
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** An id that nobody can guess. @param kind what OpenAI's ids of such items begin with: `msg`, `fc`, `ctc`. */
  newId(kind: string): string {
    return `${kind}_${randomBytes(24).toString('hex')}`;
  }

  /** Of more than fits, the oldest go. */
  keep(id: string, item: object): void {
    const sealed = seal(id, Buffer.from(JSON.stringify(item)));
    if (sealed.length > maxItemBytes) return;
    this.#kept.set(digestOf('place', id), { sealed, untilMs: this.#nowMs() + keptMs });
    this.#bytes += sealed.length;
    for (const [place, { untilMs }] of this.#kept) {
      if (this.#bytes <= maxBytes && untilMs > this.#nowMs()) break;
      this.#remove(place);
    }
  }

  /** Undefined: it is not kept here, or not any more. */
  find(id: string): unknown {
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
