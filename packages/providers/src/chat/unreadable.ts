import { classifyTold, failureOf, type ProviderFailure } from '@will/core';

/** An answer that is none, or one that tells a failure. Only its `failure` leaves this package. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly failure: ProviderFailure;
  constructor(failure: ProviderFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The answer cannot be read. */
export const unreadable = (): AnswerError => new AnswerError(failureOf('bad_response', { httpStatus: 200 }));

/** The answer holds the vendor's own error in place of content. */
export const toldError = (body: string): AnswerError => new AnswerError(classifyTold(body, 'server_error'));

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The value of JSON; undefined: it is none, or bytes that are no text. */
export function parseJson(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : decoder.decode(json));
  } catch {
    return undefined;
  }
}

/** An object of unknown fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value where it is an object; undefined: it is null or absent. @throws {AnswerError} it is anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw unreadable();
  return value as Fields;
}

/** @throws {AnswerError} the value is no object. */
export function mustBeFields(value: unknown): Fields {
  const fields = fieldsOf(value);
  if (!fields) throw unreadable();
  return fields;
}

/** The value as a list; empty: it is null or absent. @throws {AnswerError} it is anything else. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw unreadable();
  return value;
}

/** The value as text; '': it is null or absent. @throws {AnswerError} it is anything else. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') throw unreadable();
  return value;
}

const noFields: Fields = Object.freeze({});

/** Details that change no answer are read where they are an object, and else not there. */
export const detailsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : noFields;
