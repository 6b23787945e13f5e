import type { ServerResponse } from 'node:http';

/** A reader that lets so much pile up, or takes nothing for so long, is given up. */
const mostPendingChars = 1024 * 1024;
const stalledMs = 30_000;

/**
 * Writes pieces of a stream to one reader. The first piece goes out at once; those of one turn of the event loop leave
 * together, since every write is a system call; while the reader is slow they wait here.
 */
export class PacedWriter {
  readonly #response: ServerResponse;
  readonly #onStalled: () => void;
  #pending = '';
  #isScheduled = false;
  #hasWritten = false;
  #isBlocked = false;
  #isEnding = false;
  #stallTimer: NodeJS.Timeout | undefined;

  /** `onStalled` is called once, when the reader is given up. */
  constructor(response: ServerResponse, onStalled: () => void) {
    this.#response = response;
    this.#onStalled = onStalled;
    response.once('close', () => clearTimeout(this.#stallTimer));
  }

  write(text: string): void {
    if (this.#isEnding) return;
    this.#pending += text;
    if (this.#pending.length > mostPendingChars) return this.#giveUp();
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    // Whatever one read of the bus held arrives before the microtask; later ones can wait for the turn's end.
    if (this.#hasWritten) setImmediate(this.#flush);
    else queueMicrotask(this.#flush);
  }

  /** Sends what waits, then the last piece, in one write where the reader keeps up. */
  end(text: string): void {
    if (this.#isEnding) return;
    this.#pending += text;
    this.#isEnding = true;
    if (this.#response.destroyed) return;
    this.#watchForStall();
    this.#response.end(this.#pending);
    this.#pending = '';
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#pending === '' || this.#isEnding || this.#response.destroyed) return;
    this.#hasWritten = true;
    const text = this.#pending;
    this.#pending = '';
    if (this.#response.write(text)) return;
    this.#isBlocked = true;
    this.#watchForStall();
    this.#response.once('drain', () => {
      this.#isBlocked = false;
      clearTimeout(this.#stallTimer);
      this.#flush();
    });
  };

  #watchForStall(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => this.#giveUp(), stalledMs);
    this.#stallTimer.unref();
  }

  #giveUp(): void {
    this.#isEnding = true;
    this.#pending = '';
    this.#onStalled();
    this.#response.destroy();
  }
}
