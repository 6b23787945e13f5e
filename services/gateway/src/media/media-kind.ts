import type { IncomingHttpHeaders } from 'node:http';
import type { TaskResult } from '@will/client';
import type { TaskKind } from '@will/core';

/** How one kind of task that is no chat is asked for and answered over HTTP. */
export interface MediaKind {
  readonly kind: TaskKind;
  /** What the body must be. */
  readonly contentType: 'application/json' | 'multipart/form-data';
  /** Reads a request's body. @throws {HttpError} 400 */
  read(body: Buffer, headers: IncomingHttpHeaders): MediaAsked | Promise<MediaAsked>;
}

/** One request that was understood. */
export interface MediaAsked {
  /** What the caller named: a model, a task type, or `auto`. */
  readonly model: string;
  /** JSON of the kind's shape. */
  readonly input: object;
  readonly metadata?: Readonly<Record<string, string>>;
  whole(result: TaskResult, createdUnixSeconds: number): MediaAnswer;
}

export interface MediaAnswer {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

export const asJson = (value: object): MediaAnswer => ({
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
});
