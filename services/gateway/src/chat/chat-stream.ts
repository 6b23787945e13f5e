import type { ServerResponse } from 'node:http';
import type { StreamPart, TaskDelta, TaskResult } from '@will/client';
import { decisionHeaders, errorBody, type HttpError, sendError } from '../http/errors.ts';
import { PacedWriter } from '../http/paced-writer.ts';
import { answerId, shownFinish, shownUsage } from './chat-answer.ts';

export interface ChatStreamOptions {
  readonly taskId: string;
  readonly createdUnixSeconds: number;
  /** One more chunk with the usage before the end, as `stream_options.include_usage` asks. */
  readonly includeUsage: boolean;
  /** The reader no longer takes anything. */
  readonly onStalled: () => void;
}

/**
 * A task's parts as OpenAI's server-sent events. Nothing is sent before the first content, so a failure until then is
 * an ordinary HTTP error; one after it is an event with `error`, and no `[DONE]`, so that no library takes a broken
 * answer for a whole one.
 */
export class ChatStream {
  readonly #response: ServerResponse;
  readonly #options: ChatStreamOptions;
  #writer: PacedWriter | undefined;
  /** What stands before and behind a chunk's delta; the same for all chunks of an answer. */
  #prefix = '';
  #suffix = '';
  #isFirst = true;

  constructor(response: ServerResponse, options: ChatStreamOptions) {
    this.#response = response;
    this.#options = options;
  }

  take(part: StreamPart): void {
    if (part.kind === 'started') this.#begin(part.model, part.decisionId);
    else if (part.kind === 'delta') this.#writer?.write(this.#chunk(part.delta));
  }

  end(result: TaskResult): void {
    const { output, reasoning, toolCalls } = result;
    if (!this.#writer) this.#begin(result.model, result.decisionId);
    // A model that cannot stream gives its answer whole.
    const whole = this.#isFirst ? this.#chunk({ text: output, reasoning, toolCalls: indexed(toolCalls) }) : '';
    const finish = `${this.#prefix}{}${this.#suffix.replace('null', () => shownFinish(result.finish))}`;
    const usage = this.#options.includeUsage
      ? `${this.#head(result.model)}"choices":[],"usage":${shownUsage(result.usage)}}\n\n`
      : '';
    this.#writer?.end(`${whole}${finish}${usage}data: [DONE]\n\n`);
  }

  fail(error: HttpError): void {
    if (!this.#writer) return sendError(this.#response, error);
    this.#writer.end(`data: ${errorBody(error)}\n\n`);
  }

  #begin(model: string, decisionId: string): void {
    if (this.#writer || this.#response.destroyed) return;
    const { taskId, includeUsage, onStalled } = this.#options;
    this.#response.writeHead(200, [
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-cache, no-transform',
      'x-accel-buffering',
      'no',
      'x-will-model',
      model,
      ...decisionHeaders(taskId, decisionId, []),
    ]);
    this.#writer = new PacedWriter(this.#response, onStalled);
    this.#prefix = `${this.#head(model)}"choices":[{"index":0,"delta":`;
    this.#suffix = `,"finish_reason":null}]${includeUsage ? ',"usage":null' : ''}}\n\n`;
  }

  #head(model: string): string {
    const { taskId, createdUnixSeconds } = this.#options;
    return (
      `data: {"id":"${answerId(taskId)}","object":"chat.completion.chunk",` +
      `"created":${createdUnixSeconds},"model":${JSON.stringify(model)},`
    );
  }

  #chunk({ text, reasoning, toolCalls }: TaskDelta): string {
    const fields: string[] = [];
    if (this.#isFirst) fields.push('"role":"assistant"');
    if (text !== '' || (this.#isFirst && toolCalls === '')) fields.push(`"content":${JSON.stringify(text)}`);
    if (reasoning !== '') fields.push(`"reasoning_content":${JSON.stringify(reasoning)}`);
    if (toolCalls !== '') fields.push(`"tool_calls":${toolCalls}`);
    this.#isFirst = false;
    return `${this.#prefix}{${fields.join(',')}}${this.#suffix}`;
  }
}

/** Whole tool calls as pieces of a stream, where each says which one it belongs to. */
const indexed = (toolCalls: string): string =>
  toolCalls === ''
    ? ''
    : JSON.stringify((JSON.parse(toolCalls) as object[]).map((call, index) => ({ index, ...call })));
