/** A problem with a file, in words that follow its name: "is cut short". */
export class HeaderProblem extends Error {
  override readonly name = 'HeaderProblem';
}

/** The bytes at hand end here, the file does not. */
export class RanOut extends Error {
  override readonly name = 'RanOut';
}

const decoder = new TextDecoder('utf-8');

/** Reads forward through the first bytes of a file, and never beyond what the file has. */
export class HeaderCursor {
  readonly fileBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array, fileBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fileBytes = fileBytes;
  }

  get at(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  bigU64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  bigI64(): number {
    return Number(this.#view.getBigInt64(this.#take(8), true));
  }

  /** A count, size or place. @throws {HeaderProblem} larger than any file. */
  u64(): number {
    const value = this.bigU64();
    if (!Number.isSafeInteger(value)) throw new HeaderProblem('is damaged: a number in its header is beyond all sizes');
    return value;
  }

  /** A text of at most so many bytes, of which the first `kept` are given back. */
  text(maxBytes: number, what: string, kept = maxBytes): string {
    const length = this.u64();
    if (length > maxBytes) throw new HeaderProblem(`is damaged: ${what} is ${length} bytes long`);
    this.mustHold(length, what);
    const start = this.#take(length);
    return decoder.decode(this.#bytes.subarray(start, start + Math.min(length, kept)));
  }

  skipText(): void {
    this.skip(this.u64());
  }

  skip(length: number): void {
    this.mustHold(length, 'its header');
    this.#take(length);
  }

  /** @throws {HeaderProblem} the rest of the file is shorter. */
  mustHold(length: number, what: string): void {
    if (this.#at + length > this.fileBytes)
      throw new HeaderProblem(`is cut short or damaged: ${what} goes beyond its end`);
  }

  #take(length: number): number {
    const start = this.#at;
    this.mustHold(length, 'its header');
    if (start + length > this.#bytes.length) throw new RanOut();
    this.#at += length;
    return start;
  }
}
