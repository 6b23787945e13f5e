import type { TaskResult } from '@will/client';
import type { TaskKind } from '@will/core';
import type { UnknownField } from '../../../server/http/unknown-fields.ts';

/** The way in which one kind of task that is no chat is asked for and answered over HTTP. */
export interface MediaKind {
  readonly kind: TaskKind;
  readonly body: JsonBody | FormBody;
}

/** A body of JSON, held whole. */
export interface JsonBody {
  readonly type: 'application/json';
  /** @throws {HttpError} 400 */
  read(body: Buffer): MediaAsked;
}

/** A form with one file, which is never held whole unless it is small. */
export interface FormBody {
  readonly type: 'multipart/form-data';
  /** The field of the input that the file becomes, in base64. */
  readonly field: string;
  /** @throws {HttpError} 400 */
  read(form: MediaForm): MediaAsked;
}

/** The fields of a form beside the content of its file. */
export interface MediaForm {
  /** Fields that stand there more than once as lists. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly fileName: string;
  readonly fileType: string;
}

/** One request that was understood. */
export interface MediaAsked {
  /** Fields that the form does not know. */
  readonly unknown: readonly UnknownField[];
  /** Why only one model can read the input, where that is so: it must be named. */
  readonly onlyForModel?: string;
  /** What the caller named: a model, a task type, or `auto`. */
  readonly model: string;
  /** JSON of the kind's shape, without what the file becomes. */
  readonly input: object;
  readonly metadata?: Readonly<Record<string, string>>;
  whole(result: TaskResult, createdUnixSeconds: number): MediaResult;
}

/** An answer that is no chat, ready to be sent. */
export interface MediaResult {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** An answer in JSON. */
export const asJson = (value: object): MediaResult => ({
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
});
