const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Up to here a look at every byte is quicker than a call of the engine's decoder. */
const shortBytes = 64;

/** Reads protobuf. Everything that is not in its form throws. */
export class ByteReader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  #fieldsLeft: number;

  /** @param maxFields how many fields, at any depth, are read before it is given up. */
  constructor(bytes: Uint8Array, maxFields: number) {
    this.#bytes = bytes;
    this.#buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fieldsLeft = maxFields;
  }

  tag(): number {
    this.#fieldsLeft -= 1;
    if (this.#fieldsLeft < 0) throw new TooManyFields();
    return this.uint32();
  }

  /** A varint; of a longer one the low 32 bits. */
  uint32(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++];
    if (byte === undefined) throw tooShort();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      byte = bytes[this.at++];
      if (byte === undefined) throw tooShort();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('a number is longer than ten bytes');
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    const byte = this.#bytes[this.at];
    if (byte === undefined || byte > 0x7f) return this.uint64() !== 0n;
    this.at += 1;
    return byte !== 0;
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  uint64(): bigint {
    const bytes = this.#bytes;
    let near = 0;
    let unit = 1;
    // What a number holds exactly.
    for (let count = 0; count < 7; count += 1, unit *= 128) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw tooShort();
      near += (byte & 0x7f) * unit;
      if (byte < 0x80) return BigInt(near);
    }
    let value = BigInt(near);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw tooShort();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number is longer than ten bytes');
  }

  double(): number {
    const from = this.#skip(8);
    return this.#buffer.readDoubleLE(from);
  }

  /** Where the message ends that begins with its length. @param within where the one ends that it is part of. */
  end(within: number): number {
    const length = this.uint32();
    const end = this.at + length;
    if (end > within) throw tooShort();
    return end;
  }

  /** @throws {TypeError} it is no UTF-8. */
  string(): string {
    const length = this.uint32();
    if (length === 0) return '';
    const from = this.#skip(length);
    if (length > shortBytes || !this.#isAscii(from)) return strict.decode(this.#bytes.subarray(from, this.at));
    return this.#buffer.toString('latin1', from, this.at);
  }

  /** Not a copy. */
  bytes(): Uint8Array {
    const from = this.#skip(this.uint32());
    return this.#bytes.subarray(from, this.at);
  }

  /** What follows the tag of a field that is not known. */
  unknown(tag: number): { readonly no: number; readonly wireType: number; readonly data: Uint8Array } {
    const from = this.at;
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new RangeError('a field has no number');
    if (wireType === 0) this.uint64();
    else if (wireType === 1) this.#skip(8);
    else if (wireType === 2) this.#skip(this.uint32());
    else if (wireType === 5) this.#skip(4);
    else throw new RangeError(`wire type ${wireType} is not taken`);
    return { no: tag >>> 3, wireType, data: this.#bytes.slice(from, this.at) };
  }

  #skip(bytes: number): number {
    const from = this.at;
    if (bytes > this.#bytes.length - from) throw tooShort();
    this.at = from + bytes;
    return from;
  }

  #isAscii(from: number): boolean {
    for (let at = from; at < this.at; at += 1) if ((this.#bytes[at] as number) > 0x7f) return false;
    return true;
  }
}

/** More fields than any real message has. */
export class TooManyFields extends Error {
  override readonly name = 'TooManyFields';
}

const tooShort = (): RangeError => new RangeError('the message ends within a field');
