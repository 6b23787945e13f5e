import { randomUUID } from 'node:crypto';
import { TextJoiner } from './text-joiner.ts';
import { parseJson, unreadable } from './unreadable.ts';

/** Some of a tool call, as a vendor states it; anything may be missing. */
export interface ToolCallPiece {
  /** The vendor's index of the call in its answer. */
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  /** JSON text, or some of it. */
  readonly arguments: string;
  /** It is a call of its own, whatever its index. */
  readonly isWhole?: boolean;
}

/** One call, put together from its pieces. */
interface Call {
  readonly index: number;
  readonly statedIndex: number | undefined;
  readonly id: string;
  readonly hasStatedId: boolean;
  name: string;
  arguments: string;
  readonly joiner: TextJoiner;
  /** Its id and name were given on. */
  isOpened: boolean;
  /** What its model must see again with it; undefined: nothing. */
  readonly kept: object | undefined;
}

/** A piece in OpenAI's form, on its way to the caller. */
export type OutgoingPiece = object;

/**
 * Tool calls out of what vendors make of them: indexes that are missing or used twice, ids that are missing or come
 * again, names that come with every piece. Every call leaves with an id, a name, and arguments that are some JSON text.
 */
export class ToolCalls {
  readonly #calls: Call[] = [];
  /** What the next call is to be seen again with. */
  #kept: object | undefined;

  get count(): number {
    return this.#calls.length;
  }

  /** The next call leaves with this beside it. */
  keepWithNext(kept: object): void {
    this.#kept = kept;
  }

  /** What is new in OpenAI's form; undefined: nothing that can be given on yet. */
  add(piece: ToolCallPiece): OutgoingPiece | undefined {
    const call = this.#callOf(piece);
    if (call.name === '') call.name = piece.name;
    const added = call.joiner.add(piece.arguments);
    call.arguments += added;
    if (call.isOpened) return added === '' ? undefined : { index: call.index, function: { arguments: added } };
    if (call.name === '') return undefined;
    call.isOpened = true;
    return { index: call.index, ...written(call) };
  }

  /** What is left to give on at the end. @throws {AnswerError} a call has no name. */
  end(): OutgoingPiece[] {
    if (this.#calls.some(({ name }) => name === '')) throw unreadable();
    return this.#calls.flatMap((call) => {
      const rest = call.joiner.end() || (call.arguments === '' ? '{}' : '');
      call.arguments += rest;
      return rest === '' ? [] : [{ index: call.index, function: { arguments: rest } }];
    });
  }

  /** Every call whole. */
  all(): object[] {
    return this.#calls.map((call) => ({ index: call.index, ...written(call) }));
  }

  #callOf(piece: ToolCallPiece): Call {
    const { id, index, isWhole = false } = piece;
    const isKnown = this.#calls.some((call) => call.id === id);
    if (isWhole) return this.#open(piece, isKnown ? '' : id);
    const same = isKnown
      ? this.#calls.find((call) => call.id === id)
      : this.#calls.findLast(({ statedIndex }) => index === undefined || statedIndex === index);
    return same && (isKnown || !beginsAnother(same, piece)) ? same : this.#open(piece, id);
  }

  #open({ index }: ToolCallPiece, id: string): Call {
    const call: Call = {
      index: this.#calls.length,
      statedIndex: index,
      id: id === '' ? `call_${randomUUID().replaceAll('-', '')}` : id,
      hasStatedId: id !== '',
      name: '',
      arguments: '',
      joiner: new TextJoiner(),
      isOpened: false,
      kept: this.#kept,
    };
    this.#kept = undefined;
    this.#calls.push(call);
    return call;
  }
}

/** Whether a piece that stands where a call stood is the beginning of another one. A piece without a name begins none. */
function beginsAnother(call: Call, piece: ToolCallPiece): boolean {
  if (piece.name === '' || call.name === '') return false;
  if (piece.id !== '') return call.hasStatedId || isComplete(call.arguments);
  if (piece.name !== call.name) return true;
  return piece.arguments.trimStart().startsWith('{') && isComplete(call.arguments);
}

const isComplete = (json: string): boolean => parseJson(json) !== undefined;

const written = ({ id, name, arguments: args, kept }: Call): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
  ...kept,
});
