import type { AnyDocument } from '@will/core';

/** Documents that were in force for a while. */
export interface Span {
  readonly documents: readonly AnyDocument[];
  readonly fromMs: number;
  /** From here on no process may act by them; infinite while they are the newest. */
  untilMs: number;
}

/**
 * Which rules were in force when. New ones may act from the moment that their apply begins. Old ones may act until the
 * apply of their successors returned or, where a process had not confirmed by then, until the instant that it named.
 */
export class Timeline {
  readonly #spans: Span[];

  constructor(documents: readonly AnyDocument[], fromMs: number) {
    this.#spans = [{ documents, fromMs, untilMs: Number.POSITIVE_INFINITY }];
  }

  get newest(): readonly AnyDocument[] {
    return (this.#spans.at(-1) as Span).documents;
  }

  /** An apply begins. Call what this returns once it is over, with the instant from which the old rules act no more. */
  begin(documents: readonly AnyDocument[], fromMs: number): (oldUntilMs: number) => void {
    const old = this.#spans.filter(({ untilMs }) => untilMs === Number.POSITIVE_INFINITY);
    this.#spans.push({ documents, fromMs, untilMs: Number.POSITIVE_INFINITY });
    return (oldUntilMs) => {
      for (const span of old) span.untilMs = Math.min(span.untilMs, oldUntilMs);
    };
  }

  /** Every set of rules that was in force at some instant between two, newest first. */
  between(fromMs: number, toMs: number): readonly Span[] {
    return this.#spans.filter((span) => span.fromMs <= toMs && span.untilMs >= fromMs).reverse();
  }
}
