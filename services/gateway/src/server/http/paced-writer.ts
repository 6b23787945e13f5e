import { contained } from '@will/runtime';
import type { ServerResponse } from 'node:http';
import { readerStallMs } from '@will/core';

/**
 * A stream may wait here for its reader up to this length, as UTF-16 code units. Nothing tells a model to slow down, so this
 * bounds what one slow reader can cost; a reader that keeps reading hardly ever has so much before it.
 */
const maxPendingChars = 16 * 1024 * 1024;
/** One write is at most about so long: each one that the reader takes is progress. */
const maxWriteChars = 64 * 1024;
/** A reader that was given up may still take its last event for so long. */
const lastEventMs = 5_000;

/** Called once, when the reader is given up; says what the last event tells it. */
export type OnGivenUp = (why: string) => string;

/**
 * Writes events of a stream to one reader. The first event goes out at once; those of one turn of the event loop leave
 * together, since every write is a system call. While the reader is slow, events wait here. A reader that takes nothing for
 * 30 s, or lets 16 Mi characters pile up, gets the event of `onGivenUp` as its last and is closed.
 */
export class PacedWriter {
  readonly #response: ServerResponse;
  readonly #onGivenUp: OnGivenUp;
  #waiting: string[] = [];
  #waitingChars = 0;
  #isScheduled = false;
  #hasWritten = false;
  #isBlocked = false;
  #isEnding = false;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, onGivenUp: OnGivenUp) {
    this.#response = response;
    this.#onGivenUp = onGivenUp;
    response.once('close', () => clearTimeout(this.#stallTimer));
  }

  /** Sends whole events, or keeps them until the reader takes more. */
  write(text: string): void {
    if (this.#isEnding) return;
    this.#add(text);
    if (this.#waitingChars > maxPendingChars)
      return this.#giveUp(`more than ${maxPendingChars} characters of the answer waited for its reader`);
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    // Whatever one read of the bus held arrives before the microtask; later ones can wait for the turn's end.
    if (this.#hasWritten) setImmediate(contained(this.#flush));
    else queueMicrotask(contained(this.#flush));
  }

  /** Sends what waits, then the last events, in one write where the reader keeps up. */
  end(text: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#add(text);
    if (!this.#isBlocked) this.#flush();
  }

  #add(text: string): void {
    this.#waiting.push(text);
    this.#waitingChars += text.length;
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    while (!this.#isBlocked && this.#waiting.length > 0 && !this.#response.destroyed) this.#writeNext();
  };

  #writeNext(): void {
    const text = this.#takeNext();
    this.#hasWritten = true;
    if (this.#isEnding && this.#waiting.length === 0) return this.#last(text);
    if (this.#response.write(text)) return;
    this.#isBlocked = true;
    this.#watchForStall();
    this.#response.once('drain', () => {
      this.#isBlocked = false;
      clearTimeout(this.#stallTimer);
      this.#flush();
    });
  }

  /** As many whole events as one write may hold, at least one. */
  #takeNext(): string {
    let [count, chars] = [0, 0];
    do chars += this.#waiting[count++]?.length ?? 0;
    while (count < this.#waiting.length && chars + (this.#waiting[count]?.length ?? 0) <= maxWriteChars);
    this.#waitingChars -= chars;
    return this.#waiting.splice(0, count).join('');
  }

  #last(text: string): void {
    this.#response.end(text);
    this.#watchForStall();
  }

  #watchForStall(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(
      contained(() => this.#stalled()),
      readerStallMs,
    );
    this.#stallTimer.unref();
  }

  #stalled(): void {
    if (this.#response.writableEnded) this.#response.destroy();
    else this.#giveUp(`the reader took nothing for ${readerStallMs} ms`);
  }

  /** What waited is dropped, whole events only, so that the last one can still be read. */
  #giveUp(why: string): void {
    this.#isEnding = true;
    this.#waiting = [];
    this.#waitingChars = 0;
    const response = this.#response;
    response.end(this.#onGivenUp(why));
    this.#stallTimer = setTimeout(
      contained(() => response.destroy()),
      lastEventMs,
    );
    this.#stallTimer.unref();
  }
}
