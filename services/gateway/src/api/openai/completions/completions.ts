import type { TaskDelta, TaskResult } from '@will/client';
import { shownFinish, shownUsage } from '../chat/chat-answer.ts';
import { chatTask } from '../chat/chat-task.ts';
import { readFacts } from '../chat/facts.ts';
import { checkChat } from '../chat/read-chat.ts';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { errorBody, type HttpError } from '../../../server/http/errors.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import type { AnswerFor, Dialect, StreamForm } from '../../../canonical/text/dialect.ts';
import { completionsSchema, refusedFields } from './completions-schema.ts';

/** `POST /v1/completions`: OpenAI's oldest form. The prompt is one message of a chat. */
export const completions: Dialect = {
  path: '/v1/completions',
  summary: 'A text that goes on, in OpenAI’s oldest form',
  schema: completionsSchema,
  errorBody,
  read(bytes, headers, snapshot, answerFor) {
    const { body, unknown } = readFields(completionsSchema, refusedFields, withoutNulls(parseJsonObject(bytes)));
    const facts = readFacts(headers, body.metadata);
    const { prompt, stream_options: options, ...fields } = body;
    const messages = [{ role: 'user', content: typeof prompt === 'string' ? prompt : prompt[0] }];
    const chat = { ...checkChat({ ...fields, messages }), unknown };
    return {
      ...chatTask(chat, facts, snapshot, answerFor),
      isStreamed: body.stream === true,
      whole: (result) => completion(answerFor, result),
      streamed: () => new CompletionStream(answerFor, options?.include_usage === true),
    };
  },
};

const head = ({ taskId, createdUnixSeconds }: AnswerFor, model: string): string =>
  `{"id":"cmpl-${taskId}","object":"text_completion","created":${createdUnixSeconds},"model":${JSON.stringify(model)}`;

const choice = (text: string, finish: string): string =>
  `"choices":[{"index":0,"text":${JSON.stringify(text)},"logprobs":null,"finish_reason":${finish}}]`;

const completion = (answerFor: AnswerFor, { output, refusal = '', model, finish, usage }: TaskResult): string =>
  `${head(answerFor, model)},${choice(output + refusal, shownFinish(finish, false))}${usage ? `,"usage":${shownUsage(usage)}` : ''}}`;

class CompletionStream implements StreamForm {
  readonly #answerFor: AnswerFor;
  readonly #includeUsage: boolean;
  #head = '';

  constructor(answerFor: AnswerFor, includeUsage: boolean) {
    this.#answerFor = answerFor;
    this.#includeUsage = includeUsage;
  }

  begin(model: string): string {
    this.#head = head(this.#answerFor, model);
    return '';
  }

  delta({ text, refusal = '' }: TaskDelta): string {
    const said = text + refusal;
    return said === '' ? '' : `data: ${this.#head},${choice(said, 'null')}}\n\n`;
  }

  end({ finish, usage }: TaskResult): string {
    const counted = this.#includeUsage ? `data: ${this.#head},"choices":[],"usage":${shownUsage(usage)}}\n\n` : '';
    return `data: ${this.#head},${choice('', shownFinish(finish, false))}}\n\n${counted}data: [DONE]\n\n`;
  }

  fail(error: HttpError): string {
    return `data: ${errorBody(error)}\n\n`;
  }
}
