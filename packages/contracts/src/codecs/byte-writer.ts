/** Room for many small messages; what is larger gets a slab of its own. */
const slabBytes = 64 * 1024;
/** Up to here a loop over the characters is quicker than a call of the engine's encoder. */
const shortChars = 40;

/**
 * Writes protobuf from its end to its beginning, so that the length of a nested message is known when it is due and
 * nothing is measured or moved. Messages lie one below the other in a slab that is never written twice, so that what
 * was taken out stays as it is, and nothing is copied.
 */
export class ByteWriter {
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  /** Where the written part begins. */
  #at = slabBytes;
  /** Where the message under way ends. */
  #end = slabBytes;

  /** Bytes of the message so far. */
  get size(): number {
    return this.#end - this.#at;
  }

  /** Ends the message under way, and begins the next one. */
  take(): Uint8Array {
    const { buffer, byteOffset } = this.#slab;
    const bytes = new Uint8Array(buffer, byteOffset + this.#at, this.#end - this.#at);
    this.#end = this.#at;
    return bytes;
  }

  /** Forgets what was written of the message under way. */
  drop(): void {
    this.#at = this.#end;
  }

  /** A varint of up to 32 bits. @throws {RangeError} it is none. */
  uint32(value: number): void {
    if (this.#at < 5) this.#grow(5);
    if (value >>> 0 !== value) throw new RangeError(`${String(value)} is no unsigned integer of 32 bits`);
    if (value < 0x80) {
      this.#at -= 1;
      this.#slab[this.#at] = value;
      return;
    }
    this.#at -= value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
    let at = this.#at;
    let left = value;
    for (; left > 0x7f; left >>>= 7) this.#slab[at++] = (left & 0x7f) | 0x80;
    this.#slab[at] = left;
  }

  /** @throws {RangeError} it is none. */
  int32(value: number): void {
    if (value >= 0 || (value | 0) !== value) return this.uint32(value);
    this.#wide(BigInt.asUintN(64, BigInt(value)));
  }

  /** @throws {RangeError} it is beyond 64 bits. */
  int64(value: bigint): void {
    const near = Number(value);
    if (near >= 0 && near <= 0xffff_ffff) return this.uint32(near);
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no integer of 64 bits`);
    if (near > 0 && near <= Number.MAX_SAFE_INTEGER) return this.#near(near);
    this.#wide(BigInt.asUintN(64, value));
  }

  /** @throws {RangeError} it is beyond 64 bits. */
  uint64(value: bigint): void {
    const near = Number(value);
    if (near >= 0 && near <= 0xffff_ffff) return this.uint32(near);
    if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} is no unsigned integer of 64 bits`);
    if (near <= Number.MAX_SAFE_INTEGER) return this.#near(near);
    this.#wide(value);
  }

  bool(value: boolean): void {
    if (this.#at < 1) this.#grow(1);
    this.#at -= 1;
    this.#slab[this.#at] = value ? 1 : 0;
  }

  double(value: number): void {
    if (this.#at < 8) this.#grow(8);
    this.#at -= 8;
    this.#slab.writeDoubleLE(value, this.#at);
  }

  /** With its length before it. @throws {TypeError} it is no string. */
  string(value: string): void {
    if (typeof value !== 'string') throw new TypeError(`${typeof value} where a string is due`);
    const { length } = value;
    if (length <= shortChars && this.#ascii(value, length)) return this.uint32(length);
    const bytes = Buffer.byteLength(value);
    if (this.#at < bytes) this.#grow(bytes);
    this.#at -= bytes;
    this.#slab.write(value, this.#at, bytes, 'utf8');
    this.uint32(bytes);
  }

  /** With its length before it. @throws {TypeError} it is no bytes. */
  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new TypeError(`${typeof value} where bytes are due`);
    this.raw(value);
    this.uint32(value.length);
  }

  raw(value: Uint8Array): void {
    if (this.#at < value.length) this.#grow(value.length);
    this.#at -= value.length;
    this.#slab.set(value, this.#at);
  }

  /** Nothing is written where a character is not of the first 128. */
  #ascii(value: string, length: number): boolean {
    if (this.#at < length) this.#grow(length);
    const from = this.#at - length;
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#slab[from + i] = code;
    }
    this.#at = from;
    return true;
  }

  #near(value: number): void {
    let bytes = 5;
    for (let bound = 2 ** 35; value >= bound; bound *= 128) bytes += 1;
    if (this.#at < bytes) this.#grow(bytes);
    this.#at -= bytes;
    let left = value;
    for (let at = this.#at; at < this.#at + bytes - 1; at += 1) {
      this.#slab[at] = (left % 128) | 0x80;
      left = Math.floor(left / 128);
    }
    this.#slab[this.#at + bytes - 1] = left;
  }

  #wide(value: bigint): void {
    const bytes: number[] = [];
    let left = value;
    for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
    bytes.push(Number(left));
    this.raw(Uint8Array.from(bytes));
  }

  /** A new slab with room for so many bytes more; what is written of the message under way goes with it. */
  #grow(bytes: number): void {
    const { size } = this;
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (size + bytes)));
    slab.set(this.#slab.subarray(this.#at, this.#end), slab.length - size);
    this.#slab = slab;
    this.#end = slab.length;
    this.#at = slab.length - size;
  }
}
