import { contained } from '@will/runtime';
import { create, wire } from '@will/contracts';
import type { ContentDelta } from '@will/providers';

/** Pieces that come within this time of each other leave together; the first one never waits. */
const coalesceMs = 10;

/** More than this does not wait for company: a frame must fit a message. */
const maxChars = 64 * 1024;

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);

export const deltaToWire = (delta: ContentDelta): wire.Delta =>
  create(wire.DeltaSchema, {
    text: delta.text ?? '',
    refusal: delta.refusal ?? '',
    reasoning: delta.reasoning ?? '',
    toolCalls: delta.toolCalls === undefined ? noBytes : encoder.encode(delta.toolCalls),
    data: delta.data ?? noBytes,
    dataType: delta.dataType ?? '',
  });

/** The frames of one attempt to its caller: numbered, the first piece at once, later ones coalesced. */
export class CallerStream {
  readonly #send: (frame: wire.Frame) => void;
  readonly #taskId: string;
  readonly #attempt: number;
  #sequence = 0;
  #text = '';
  #reasoning = '';
  #refusal = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (frame: wire.Frame) => void, taskId: string, attempt: number) {
    this.#send = send;
    this.#taskId = taskId;
    this.#attempt = attempt;
  }

  start(started: wire.Started): void {
    this.#frame({ case: 'started', value: started });
  }

  /** Sends a piece, or keeps it for the next few milliseconds' company. */
  add(delta: ContentDelta): void {
    if (delta.toolCalls !== undefined || delta.data !== undefined) {
      this.flush();
      return this.#frame({ case: 'delta', value: deltaToWire(delta) });
    }
    this.#text += delta.text ?? '';
    this.#reasoning += delta.reasoning ?? '';
    this.#refusal += delta.refusal ?? '';
    const isLarge = this.#text.length + this.#reasoning.length + this.#refusal.length >= maxChars;
    if (this.#sequence <= 1 || isLarge) return this.flush();
    this.#timer ??= setTimeout(
      contained(() => this.flush()),
      coalesceMs,
    );
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '' && this.#reasoning === '' && this.#refusal === '') return;
    const value = deltaToWire({ text: this.#text, reasoning: this.#reasoning, refusal: this.#refusal });
    this.#text = '';
    this.#reasoning = '';
    this.#refusal = '';
    this.#frame({ case: 'delta', value });
  }

  end(end: wire.End): void {
    this.flush();
    this.#frame({ case: 'end', value: end });
  }

  fail(failure: wire.Failure): void {
    this.flush();
    this.#frame({ case: 'failure', value: failure });
  }

  #frame(kind: wire.Frame['kind']): void {
    this.#sequence += 1;
    this.#send(
      create(wire.FrameSchema, { taskId: this.#taskId, attempt: this.#attempt, sequence: this.#sequence, kind }),
    );
  }
}
