import { fieldsKind, mergeToolCalls, type Model } from '@will/core';
import type { ContentDelta, ProviderOutcome } from '@will/providers';

/** The part of a call that says whether its whole answer may be asked for as a stream. */
export interface WholeCall {
  readonly inputKind: string;
  readonly input: Uint8Array;
}

/** A model whose whole answers are there sooner than this shows its silence just as well without a stream. */
const quickMs = 1_000;
/** So many answers tell how quick a model is. */
const minAnswers = 8;
/** How slowly a long answer is forgotten, for each one after it. */
const kept = 0.9;

/**
 * Decides whether one model's whole answers are asked for as streams and put together here, so that its silence is
 * seen long before the answer could be there. A server that counts no usage in streams, and does in whole answers, is
 * asked for those; so is a model that answers within a second, since a stream costs the processor more and shows
 * nothing sooner.
 */
export class WholeAsStream {
  #countsInStreams = true;
  #countsInWhole = true;
  #answers = 0;
  /** The longest of the last answers, which fades. */
  #maxMs = 0;
  /** The last input that was looked through: each call asks more than once, in one go. */
  #looked: { readonly input: Uint8Array; readonly hasOnlyWhole: boolean } | undefined;

  /** Whether its silence is bounded as that of a stream is. */
  showsSilence(model: Model, call: WholeCall): boolean {
    return this.#mayStream(model, call);
  }

  may(model: Model, call: WholeCall): boolean {
    const isQuick = this.#answers >= minAnswers && this.#maxMs < quickMs;
    return !isQuick && this.#mayStream(model, call);
  }

  #mayStream({ document }: Model, call: WholeCall): boolean {
    if (document.streaming === false || !chatKinds.has(call.inputKind)) return false;
    return (this.#countsInStreams || !this.#countsInWhole) && !this.#hasOnlyWhole(call.input);
  }

  #hasOnlyWhole(input: Uint8Array): boolean {
    if (this.#looked?.input !== input) this.#looked = { input, hasOnlyWhole: hasOnlyWhole(input) };
    return this.#looked.hasOnlyWhole;
  }

  /** Takes into account how long an answer that was to be whole took, and whether it told its usage. */
  learn(outcome: ProviderOutcome, wasStreamed: boolean, durationMs: number): void {
    this.#looked = undefined;
    this.#maxMs = Math.max(durationMs, kept * this.#maxMs);
    if (!outcome.ok) return;
    this.#answers += 1;
    if (wasStreamed) this.#countsInStreams = !outcome.usage.estimated;
    else this.#countsInWhole = !outcome.usage.estimated;
  }
}

/** Fields reach a provider as a chat. */
const chatKinds: ReadonlySet<string> = new Set(['chat', fieldsKind]);

/** Several answers at once, and sound, have no form in a stream that is read here. */
function hasOnlyWhole(input: Uint8Array): boolean {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (!bytes.includes('"n"') && !bytes.includes('"audio"')) return false;
  const chat = parsed(bytes);
  return (typeof chat.n === 'number' && chat.n > 1) || chat.audio !== undefined;
}

function parsed(bytes: Buffer): { readonly n?: unknown; readonly audio?: unknown } {
  try {
    return JSON.parse(bytes.toString()) as { readonly n?: unknown; readonly audio?: unknown };
  } catch {
    // The provider says what is wrong with it.
    return {};
  }
}

/** The outcome with the pieces of an answer that was to be whole as one. */
export const gathered = (outcome: ProviderOutcome, pieces: readonly ContentDelta[]): ProviderOutcome =>
  outcome.ok && pieces.length > 0 ? { ...outcome, output: joined(pieces) } : outcome;

/** Pieces of an answer that was to be whole, as one. */
export function joined(pieces: readonly ContentDelta[]): ContentDelta {
  const text = pieces.map((piece) => piece.text ?? '').join('');
  const refusal = pieces.map((piece) => piece.refusal ?? '').join('');
  const reasoning = pieces.map((piece) => piece.reasoning ?? '').join('');
  const toolCalls = mergeToolCalls(pieces.flatMap((piece) => piece.toolCalls ?? []));
  const data = pieces.flatMap((piece) => piece.data ?? []);
  const dataType = pieces.find((piece) => piece.dataType !== undefined)?.dataType;
  return {
    ...(text !== '' && { text }),
    ...(refusal !== '' && { refusal }),
    ...(reasoning !== '' && { reasoning }),
    ...(toolCalls !== '' && { toolCalls }),
    ...(data.length > 0 && { data: Buffer.concat(data) }),
    ...(dataType !== undefined && { dataType }),
  };
}
