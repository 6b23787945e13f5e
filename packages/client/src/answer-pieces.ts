import type { wire } from '@will/contracts';
import { mergeToolCalls } from '@will/core';
import type { StreamPart, TaskResult } from './api.ts';
import { dataOf, DataPieces } from './data.ts';
import { noticesOf, refusalOf } from './on-wire.ts';

/** The answer to a task, put together from the pieces that come. */
export class AnswerPieces {
  readonly #taskId: string;
  #notices: readonly string[] = [];
  #decisionId = '';
  #text = '';
  #reasoning = '';
  #refusal = '';
  readonly #toolCalls: string[] = [];
  readonly #data = new DataPieces();

  constructor(taskId: string) {
    this.#taskId = taskId;
  }

  /** '' until the answer starts. */
  get decisionId(): string {
    return this.#decisionId;
  }

  /** Takes what the router says that it ignores of the task. */
  accepted({ notices }: wire.Accepted): void {
    this.#notices = notices;
  }

  started({ model, modelName, decisionId }: wire.Started): StreamPart {
    this.#decisionId = decisionId;
    return { kind: 'started', model, modelName, decisionId, ...noticesOf(this.#notices) };
  }

  /** Adds a piece. @returns it as a part of the stream */
  add(delta: wire.Delta): StreamPart {
    const toolCalls = textOf(delta.toolCalls);
    this.#text += delta.text;
    this.#reasoning += delta.reasoning;
    this.#refusal += delta.refusal;
    if (toolCalls !== '') this.#toolCalls.push(toolCalls);
    return {
      kind: 'delta',
      delta: {
        text: delta.text,
        ...refusalOf(delta.refusal),
        reasoning: delta.reasoning,
        toolCalls,
        ...this.#data.take(delta),
      },
    };
  }

  /** The whole of it, at its end. What the end states itself takes the place of the pieces. */
  result(end: wire.End): TaskResult {
    return {
      taskId: this.#taskId,
      outcome: 'Success',
      model: end.model,
      modelName: end.modelName,
      output: end.output?.text ?? this.#text,
      ...refusalOf(end.output?.refusal ?? this.#refusal),
      reasoning: end.output?.reasoning ?? this.#reasoning,
      toolCalls: end.output ? textOf(end.output.toolCalls) : mergeToolCalls(this.#toolCalls),
      ...(end.output ? dataOf(end.output) : this.#data.whole()),
      finish: end.finish,
      usage: end.usage,
      costNanoUsd: end.costNanoUsd,
      attempts: end.attempts,
      decisionId: end.decisionId,
      ...noticesOf(this.#notices),
    };
  }
}

const decoder = new TextDecoder();
/** Most answers call no tool. */
const textOf = (bytes: Uint8Array): string => (bytes.length === 0 ? '' : decoder.decode(bytes));
