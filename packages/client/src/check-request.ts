import { newId } from '@will/contracts';
import {
  dataClasses,
  maxTimeoutMs,
  modalities,
  type Priority,
  priorityConflict,
  priorityStated,
  unavailableModels,
} from '@will/core';
import { type Question, TaskError, type TaskRequest, type TaskSubmission } from './api.ts';

// Callers in plain JavaScript have no compiler that tells them: a word that is not known must not pass as one that was not
// said, for then a task of sensitive data would run as an open one.

/** What a value must be, in words; undefined: it is. */
type Check = (value: unknown) => string | undefined;

const maxWhole = 0xff_ff_ff_ff;
const must =
  (holds: (value: unknown) => boolean, what: string): Check =>
  (value) =>
    holds(value) ? undefined : what;
const text = must((value) => typeof value === 'string', 'a string');
const flag = must((value) => typeof value === 'boolean', 'true or false');
const anObject = must((value) => typeof value === 'object' && value !== null, 'an object');
const aFunction = must((value) => typeof value === 'function', 'a function');
const whole = must(
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxWhole,
  `a whole number from 0 to ${maxWhole}`,
);
const between = (least: number, most: number): Check =>
  must(
    (value) => Number.isFinite(value) && (value as number) >= least && (value as number) <= most,
    `between ${least} and ${most}`,
  );
const instant = must((value) => Number.isFinite(value) && (value as number) >= 0, 'UTC milliseconds');
const oneOf = (words: readonly string[]): Check =>
  must((value) => words.includes(value as string), `one of ${words.join(', ')}`);
const listOf = (check: (value: unknown) => boolean, what: string): Check =>
  must((value) => Array.isArray(value) && value.every(check), `a list of ${what}`);
const modality = listOf((value) => (modalities as readonly unknown[]).includes(value), modalities.join(', '));

const common = {
  type: text,
  client: text,
  project: text,
  reflex: text,
  priority: oneOf(['background', 'normal', 'high']),
  highPriority: flag,
  dataClass: oneOf(dataClasses),
  model: text,
  unavailableModel: oneOf(unavailableModels),
  maxOutputTokens: whole,
  inputModalities: modality,
  outputModalities: modality,
  needs: listOf((value) => typeof value === 'string', 'strings'),
  inputTokens: whole,
} as const;
const ofTasks = {
  ...common,
  maxOutputIsExact: flag,
  taskId: text,
  inputKind: text,
  input: inputOf,
  payload: anObject,
  floor: anObject,
  firstTokenTimeoutMs: between(1, maxTimeoutMs),
  idleTimeoutMs: between(1, maxTimeoutMs),
  ignoredFields: listOf((value) => typeof value === 'string', 'strings'),
  session: text,
  costTags: anObject,
} as const;
const requests: Record<keyof Required<TaskRequest>, Check> = {
  ...ofTasks,
  timeoutMs: between(1, maxTimeoutMs),
  signal: anObject,
  isStillWanted: aFunction,
};
const submissions: Record<keyof Required<TaskSubmission>, Check> = {
  ...ofTasks,
  timeoutMs: between(1, 31 * 86_400_000),
  idempotencyKey: text,
  notBeforeUnixMs: instant,
  defer: text,
};
const questions: Record<keyof Required<Question>, Check> = { ...common, atUnixMs: instant };

/** @throws {TaskError} 'invalid_task', naming the first field that is wrong, before anything is sent */
export const checkRequest = (request: TaskRequest): void => check(requests, ['type', 'input'], request);
/** Checks a submission before it is sent. @throws {TaskError} a field is wrong. */
export const checkSubmission = (submission: TaskSubmission): void => check(submissions, ['type', 'input'], submission);
/** Checks a question before it is sent. @throws {TaskError} a field is wrong. */
export const checkQuestion = (question: Question): void => check(questions, ['type'], question);

function check(fields: Readonly<Record<string, Check>>, needed: readonly string[], request: object): void {
  const stated = request as Readonly<Record<string, unknown>>;
  const wrong = missing(needed, stated) ?? firstComplaint(fields, stated) ?? contradiction(stated);
  if (wrong === undefined) return;
  const { taskId } = stated as { taskId?: unknown };
  throw new TaskError('invalid_task', wrong, { taskId: typeof taskId === 'string' ? taskId : newId() });
}

function missing(needed: readonly string[], stated: Readonly<Record<string, unknown>>): string | undefined {
  for (const field of needed) if (stated[field] === undefined) return `${field} is missing`;
  return undefined;
}

function firstComplaint(
  fields: Readonly<Record<string, Check>>,
  stated: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const field of Object.keys(stated)) {
    const value = stated[field];
    const found = value === undefined ? undefined : complaint(fields, field, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function contradiction({
  priority,
  highPriority,
}: {
  readonly priority?: Priority;
  readonly highPriority?: boolean;
}): string | undefined {
  if (priority === undefined || highPriority === undefined) return undefined;
  return priorityStated(priority, highPriority) === 'conflict' ? priorityConflict(priority, highPriority) : undefined;
}

function complaint(fields: Readonly<Record<string, Check>>, field: string, value: unknown): string | undefined {
  if (!Object.hasOwn(fields, field))
    return `unknown field ${JSON.stringify(field.slice(0, 80))}; allowed: ${Object.keys(fields).join(', ')}`;
  const allowed = fields[field]?.(value);
  return allowed === undefined ? undefined : `${field}${quote(field, value)} must be ${allowed}`;
}

/** Content is never told. */
function quote(field: string, value: unknown): string {
  if (field === 'input' || (typeof value === 'object' && value !== null && !Array.isArray(value))) return '';
  return ` ${JSON.stringify(value)?.slice(0, 80) ?? String(value)}`;
}

/** A chat is checked by who gives it to a model; here only what it could not even be sent as. */
function inputOf(value: unknown): string | undefined {
  if (typeof value === 'string' || value instanceof Uint8Array) return undefined;
  const { messages } = (typeof value === 'object' && value !== null ? value : {}) as { messages?: unknown };
  const isChat =
    Array.isArray(messages) && messages.length > 0 && messages.every((one) => typeof one === 'object' && one !== null);
  return isChat ? undefined : 'a string, bytes, or a chat with at least one message in messages';
}
