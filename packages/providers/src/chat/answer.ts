import { failureOf, type FinishReason } from '@will/core';
import type { ContentDelta } from '../port.ts';
import type { StatedUsage } from '../usage.ts';
import { keptWith } from './kept-reasoning.ts';
import { failureIn, finishOf } from './finish.ts';
import { TextJoiner } from './text-joiner.ts';
import { type ToolCallPiece, ToolCalls } from './tool-calls.ts';
import { AnswerError } from './unreadable.ts';

/**
 * One answer in no vendor's form, whole or as it comes: a vendor's form says here what it reads, and everything else is
 * made from this.
 */
export class Answer {
  /** As the vendor stated it; undefined: it stated none. */
  usage: StatedUsage | undefined;
  /** What the vendor says that serves it. */
  servedVersion: string | undefined;
  /** The vendor said that nothing more comes. */
  isEnded = false;
  /** Characters of content so far. */
  chars = 0;
  readonly #emit: ((delta: ContentDelta) => void) | undefined;
  readonly #jsonTool: string | undefined;
  readonly #origin: string;
  #kept: object[] = [];
  readonly #toolCalls = new ToolCalls();
  readonly #textJoiner = new TextJoiner();
  readonly #reasoningJoiner = new TextJoiner();
  readonly #refusalJoiner = new TextJoiner();
  #text = '';
  #reasoning = '';
  #refusal = '';
  #data: { readonly data: Uint8Array; readonly dataType: string } | undefined;
  #finish: FinishReason | undefined;
  /** Index of the call that stands for an answer in JSON. */
  #json: { readonly index: number | undefined } | undefined;
  /** Text beside the call that stands for the answer: it is the answer only where that call does not come. */
  #beside = '';

  /**
   * @param emit gets content as it comes; undefined: it is kept, and {@link output} gives it whole.
   * @param origin who answers: what is kept of its reasoning is for nobody else.
   * @param jsonTool a tool that the vendor was given so that it answers in JSON; its arguments are the text.
   */
  constructor(emit: ((delta: ContentDelta) => void) | undefined, origin: string, jsonTool?: string) {
    this.#emit = emit;
    this.#origin = origin;
    this.#jsonTool = jsonTool;
  }

  /** Takes the vendor's first word on what serves the answer; anything but a name is passed over. */
  servedBy(name: unknown): void {
    if (this.servedVersion === undefined && typeof name === 'string') this.servedVersion = name;
  }

  text(piece: string): void {
    if (this.#jsonTool === undefined) this.#say(piece);
    else this.#beside += piece;
  }

  /** Words by which the model refuses. */
  refusal(piece: string): void {
    this.chars += piece.length;
    this.#refusal += this.#refusalJoiner.add(piece);
  }

  reasoning(piece: string): void {
    this.chars += piece.length;
    this.#reasoning += this.#reasoningJoiner.add(piece);
  }

  /** What the vendor must see again before the next tool call: a signature, encrypted reasoning. */
  keep(item: object): void {
    this.#kept.push(item);
  }

  /** The same for words of a field, which come in pieces. */
  keepWords(field: string, piece: string): void {
    const last = this.#kept.at(-1) as { readonly field?: string; text: string } | undefined;
    if (last?.field === field) last.text += piece;
    else this.#kept.push({ field, text: piece });
  }

  data(data: Uint8Array, dataType: string): void {
    this.chars += data.length;
    this.#data = { data, dataType };
    this.flush();
  }

  toolCall(piece: ToolCallPiece): void {
    if (this.#isJson(piece)) return this.#say(piece.arguments);
    this.chars += piece.arguments.length + piece.name.length;
    if (this.#kept.length > 0) this.#toolCalls.keepWithNext(keptWith(this.#origin, this.#kept.splice(0)));
    const outgoing = this.#toolCalls.add(piece);
    if (outgoing) this.#emitToolCalls([outgoing]);
  }

  /** Why it ended, in the vendor's word. @throws {AnswerError} the word says that it failed. */
  finish(word: string): void {
    const failure = failureIn(word);
    if (failure) throw new AnswerError(failureOf(failure, { httpStatus: 200 }));
    this.#finish = finishOf(word);
  }

  get hasFinish(): boolean {
    return this.#finish !== undefined;
  }

  /** Why it ended; `unknown`: the vendor did not say. An answer that calls tools ends so that its caller runs them. */
  get finishReason(): FinishReason {
    const reason = this.#finish === 'tool_calls' && this.#json ? 'stop' : (this.#finish ?? 'unknown');
    return this.#toolCalls.count > 0 && (reason === 'stop' || reason === 'unknown') ? 'tool_calls' : reason;
  }

  /** Gives on what came since the last time. */
  flush(): void {
    if (!this.#emit || (this.#text === '' && this.#reasoning === '' && this.#refusal === '' && !this.#data)) return;
    const delta = this.#content();
    this.#text = '';
    this.#reasoning = '';
    this.#refusal = '';
    this.#data = undefined;
    this.#emit(delta);
  }

  /** Nothing more comes. @throws {AnswerError} a tool call has no name. */
  close(): void {
    if (!this.#json) this.#say(this.#beside);
    this.#text += this.#textJoiner.end();
    this.#reasoning += this.#reasoningJoiner.end();
    this.#refusal += this.#refusalJoiner.end();
    const rest = this.#toolCalls.end();
    if (rest.length > 0) this.#emitToolCalls(rest);
    this.flush();
  }

  /** The whole content; undefined: it was given on as it came. */
  output(): ContentDelta | undefined {
    if (this.#emit) return this.chars === 0 ? {} : undefined;
    const calls = this.#toolCalls.all();
    const content = this.#content();
    return calls.length > 0 ? { ...content, toolCalls: JSON.stringify(calls) } : content;
  }

  #say(piece: string): void {
    this.chars += piece.length;
    this.#text += this.#textJoiner.add(piece);
  }

  #isJson({ name, index }: ToolCallPiece): boolean {
    if (name === '') return this.#json !== undefined && this.#json.index === index;
    if (name !== this.#jsonTool) return false;
    this.#json = { index };
    return true;
  }

  #emitToolCalls(pieces: readonly object[]): void {
    this.flush();
    this.#emit?.({ toolCalls: JSON.stringify(pieces) });
  }

  #content(): ContentDelta {
    const content: { -readonly [K in keyof ContentDelta]: ContentDelta[K] } = {};
    if (this.#text !== '') content.text = this.#text;
    if (this.#refusal !== '') content.refusal = this.#refusal;
    if (this.#reasoning !== '') content.reasoning = this.#reasoning;
    return this.#data ? { ...content, ...this.#data } : content;
  }
}
