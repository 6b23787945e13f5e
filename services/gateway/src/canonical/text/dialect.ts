import type { TaskDelta, TaskRequest, TaskResult } from '@will/client';
import type { Snapshot } from '@will/core';
import type { z } from 'zod';
import type { RequestHeaders } from '../../api/openai/chat/facts.ts';
import type { HttpError } from '../../server/http/errors.ts';
import type { OtherFields } from './forwarded-fields.ts';

/** The request that a dialect's answers are made for. */
export interface AnswerFor {
  readonly taskId: string;
  readonly createdUnixSeconds: number;
  /** Makes digests of what names conversations; undefined: none are made. */
  readonly secret?: Uint8Array | undefined;
}

/** The way in which text tasks are asked for and answered by the libraries of one vendor. */
export interface Dialect {
  /** Its `POST` route, which keys of callers may use. */
  readonly path: string;
  /** What OpenAPI says of the route, and what its body must be. */
  readonly summary: string;
  readonly schema: z.ZodType;
  /** Reads a request's body. @throws {HttpError} 400, 404 */
  read(bytes: Buffer, headers: RequestHeaders, snapshot: Snapshot, answerFor: AnswerFor): Asked;
  /** The body of an answer that is not 200. */
  readonly errorBody: (error: HttpError) => string;
}

/** One request that was understood. */
export interface Asked {
  readonly task: TaskRequest;
  /** What the answer of a model was made without. */
  readonly others: OtherFields;
  readonly isStreamed: boolean;
  /** The body of the whole answer. */
  whole(result: TaskResult): string;
  /** The form of the streamed answer; asked for once, and only where it is streamed. */
  streamed(): StreamForm;
}

/** Server-sent events of one answer, as text that is ready to be sent. */
export interface StreamForm {
  /** Before the first content. */
  begin(model: string): string;
  delta(delta: TaskDelta): string;
  /** What stands behind the last content. */
  end(result: TaskResult): string;
  /** How the dialect tells a failure after content: its libraries must not take what came for a whole answer. */
  fail(error: HttpError): string;
}

/** The reason why an answer ended: one with calls of tools ended for them, also where its server says `stop`. */
export const finishWith = (finish: string, hasCalls: boolean): string =>
  hasCalls && (finish === 'stop' || finish === 'unknown' || finish === '') ? 'tool_calls' : finish;

/** OpenAI tells a refusal in a field of its own, and the answer ended as others do; a text that was cut off did not. */
export const finishBeside = ({ finish, refusal, output }: TaskResult): string =>
  refusal !== undefined && output === '' && finish === 'content_filter' ? 'stop' : finish;

/** Whole tool calls as pieces of a stream, where each says which one it belongs to. */
export const indexed = (toolCalls: string): string =>
  toolCalls === ''
    ? ''
    : JSON.stringify((JSON.parse(toolCalls) as object[]).map((call, index) => ({ index, ...call })));
