import { contained } from '@will/runtime';
import type { ServerResponse } from 'node:http';
import type { StreamPart, TaskResult } from '@will/client';
import { decisionHeaders, HttpError, noticeHeaders, sendError } from '../../server/http/errors.ts';
import { PacedWriter } from '../../server/http/paced-writer.ts';
import type { ModelHeaders } from './model-headers.ts';
import { type Dialect, indexed, type StreamForm } from './dialect.ts';

const keepAliveMs = 15_000;

/** Options of a streamed text task. */
export interface TaskStreamOptions {
  readonly taskId: string;
  readonly form: StreamForm;
  readonly headersOf: ModelHeaders;
  readonly errorBody: Dialect['errorBody'];
  /** The reader no longer takes anything: nobody waits for the rest of the answer. */
  readonly onGivenUp: () => void;
  /** A silence of this length is broken by a comment. Default 15,000. */
  readonly keepAliveMs?: number;
}

type Beginning = Pick<TaskResult, 'model' | 'decisionId' | 'notices'>;

/**
 * A task's parts as server-sent events of one dialect. Nothing is sent before the first content, so a failure until
 * then is an ordinary HTTP error; one after it is told as the dialect's libraries understand it, so that none of them
 * takes a broken answer for a whole one.
 */
export class TaskStream {
  readonly #response: ServerResponse;
  readonly #options: TaskStreamOptions;
  #writer: PacedWriter | undefined;
  #hasContent = false;
  /** Proxies and clients close a connection on which nothing comes for long. */
  #silence: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, options: TaskStreamOptions) {
    this.#response = response;
    this.#options = options;
  }

  take(part: StreamPart): void {
    if (part.kind === 'started') this.#begin(part);
    else if (part.kind === 'delta') {
      this.#hasContent = true;
      this.#silence?.refresh();
      this.#writer?.write(this.#options.form.delta(part.delta));
    }
  }

  end(result: TaskResult): void {
    clearInterval(this.#silence);
    const { output, refusal, reasoning, toolCalls } = result;
    const { form } = this.#options;
    if (!this.#writer) this.#begin(result);
    // A model that cannot stream gives its answer whole.
    const whole = this.#hasContent
      ? ''
      : form.delta({
          text: output,
          ...(refusal !== undefined && { refusal }),
          reasoning,
          toolCalls: indexed(toolCalls),
        });
    this.#writer?.end(whole + form.end(result));
  }

  fail(error: HttpError): void {
    clearInterval(this.#silence);
    if (!this.#writer) return sendError(this.#response, error, this.#options.errorBody);
    this.#writer.end(this.#options.form.fail(error));
  }

  #begin({ model, decisionId, notices }: Beginning): void {
    if (this.#writer || this.#response.destroyed) return;
    const { taskId, form, headersOf, onGivenUp } = this.#options;
    this.#response.writeHead(200, [
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-cache, no-transform',
      'x-accel-buffering',
      'no',
      'x-will-model',
      model,
      ...headersOf(model),
      ...noticeHeaders(notices),
      ...decisionHeaders(taskId, decisionId, []),
    ]);
    this.#writer = new PacedWriter(this.#response, (why) => {
      onGivenUp();
      return form.fail(new HttpError(408, 'reader_too_slow', `${why}; read faster, or ask for a shorter answer`));
    });
    const opening = form.begin(model);
    if (opening !== '') this.#writer.write(opening);
    this.#silence = setInterval(
      contained(() => this.#writer?.write(': keep-alive\n\n')),
      this.#options.keepAliveMs ?? keepAliveMs,
    );
    this.#response.once('close', () => clearInterval(this.#silence));
  }
}
