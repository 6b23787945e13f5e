import type { TaskDelta, TaskResult } from '@will/client';
import { errorBody, type HttpError } from '../../../server/http/errors.ts';
import { type AnswerFor, finishBeside, type StreamForm } from '../../../canonical/text/dialect.ts';
import { answerId, shownFinish, shownUsage } from './chat-answer.ts';

/** Form of a streamed chat completion. */
export interface ChatStreamOptions extends AnswerFor {
  /** One more chunk with the usage before the end, as `stream_options.include_usage` asks. */
  readonly includeUsage: boolean;
}

/** OpenAI's chat chunks. A failure after content is an event with `error`, and no `[DONE]`. */
export class ChatStream implements StreamForm {
  readonly #options: ChatStreamOptions;
  /** What stands before and behind a chunk's delta; the same for all chunks of an answer. */
  #prefix = '';
  #suffix = '';
  #isFirst = true;
  #hasCalls = false;

  constructor(options: ChatStreamOptions) {
    this.#options = options;
  }

  begin(model: string): string {
    this.#prefix = `${this.#head(model)}"choices":[{"index":0,"delta":`;
    this.#suffix = `,"finish_reason":null}]${this.#options.includeUsage ? ',"usage":null' : ''}}\n\n`;
    return '';
  }

  delta({ text, refusal = '', reasoning, toolCalls }: TaskDelta): string {
    const fields: string[] = [];
    if (this.#isFirst) fields.push('"role":"assistant"');
    if (text !== '' || (this.#isFirst && toolCalls === '' && refusal === ''))
      fields.push(`"content":${JSON.stringify(text)}`);
    if (refusal !== '') fields.push(`"refusal":${JSON.stringify(refusal)}`);
    if (reasoning !== '') fields.push(`"reasoning_content":${JSON.stringify(reasoning)}`);
    this.#hasCalls ||= toolCalls !== '';
    if (toolCalls !== '') fields.push(`"tool_calls":${toolCalls}`);
    this.#isFirst = false;
    return `${this.#prefix}{${fields.join(',')}}${this.#suffix}`;
  }

  end(result: TaskResult): string {
    const { model, usage } = result;
    const finish = finishBeside(result);
    const last = `${this.#prefix}{}${this.#suffix.replace('null', () => shownFinish(finish, this.#hasCalls))}`;
    const counted = this.#options.includeUsage
      ? `${this.#head(model)}"choices":[],"usage":${shownUsage(usage)}}\n\n`
      : '';
    return `${last}${counted}data: [DONE]\n\n`;
  }

  fail(error: HttpError): string {
    return `data: ${errorBody(error)}\n\n`;
  }

  #head(model: string): string {
    const { taskId, createdUnixSeconds } = this.#options;
    return (
      `data: {"id":"${answerId(taskId)}","object":"chat.completion.chunk",` +
      `"created":${createdUnixSeconds},"model":${JSON.stringify(model)},`
    );
  }
}
