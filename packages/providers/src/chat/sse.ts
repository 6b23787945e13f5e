/** A line longer than this is no event of a chat. */
const maxLineChars = 1024 * 1024;

/** A stream of events that breaks the form or a bound. */
export class SseError extends Error {
  override readonly name = 'SseError';
}

/**
 * Reads server-sent events as they come: pieces may end anywhere, within a character, a line or an event, and lines may
 * end with CR, LF or both. Only `data` matters here; comments and other fields are passed over, and so are events whose
 * data is empty.
 */
export class SseReader {
  readonly #onData: (data: string) => void;
  // Takes a byte order mark away.
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string | undefined;
  /** The piece before ended with CR: a LF at the beginning of this one belongs to it. */
  #isAfterCr = false;

  constructor(onData: (data: string) => void) {
    this.#onData = onData;
  }

  /** @throws {SseError} a line without end. */
  push(bytes: Uint8Array): void {
    const piece = this.#withoutCr(this.#decoder.decode(bytes, { stream: true }));
    // Only a piece that ends a line is worth joining: a line that drips in byte by byte is not searched again each time.
    if (!piece.includes('\n')) return this.#keep(this.#rest + piece);
    const text = this.#rest + piece;
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#line(text.slice(from, end));
      from = end + 1;
    }
    this.#keep(text.slice(from));
  }

  /** The stream ended whole: some servers leave out the empty line after the last event, or even its line's end. */
  end(): void {
    this.#line(this.#rest);
    this.#line('');
  }

  #withoutCr(piece: string): string {
    if (piece === '') return piece;
    const text = this.#isAfterCr && piece.startsWith('\n') ? piece.slice(1) : piece;
    this.#isAfterCr = piece.endsWith('\r');
    return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
  }

  #keep(rest: string): void {
    this.#rest = rest;
    if (rest.length > maxLineChars) throw new SseError(`a line of more than ${maxLineChars} characters`);
  }

  #line(line: string): void {
    if (line === '') {
      const data = this.#data;
      this.#data = undefined;
      if (data !== undefined && data.trim() !== '') this.#onData(data);
    } else if (line.startsWith('data:')) {
      const value = line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    }
  }
}
