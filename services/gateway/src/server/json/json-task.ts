import type { Question, TaskRequest } from '@will/client';
import { isOpaqueId, newId } from '@will/contracts';
import {
  type DataClass,
  dataClasses,
  estimateChatTokens,
  isSame,
  maxTimeoutMs,
  modalities,
  priorityConflict,
  priorityStated,
  nameKey,
  slugPattern,
  type UnavailableModel,
  unavailableModels,
} from '@will/core';
import { z } from 'zod';
import { modalitiesOf, needsOf } from '../../api/openai/chat/chat-task.ts';
import { attributesIn, metadataAttributes, type StatedFacts } from '../../api/openai/chat/facts.ts';
import { checkChat, type ReadChat } from '../../api/openai/chat/read-chat.ts';
import { checkFields, withoutNulls } from '../http/check-fields.ts';
import { invalid } from '../http/errors.ts';
import { parseJsonObject } from '../http/json.ts';
import { droppedFields } from '../http/dropped-fields.ts';
import type { UnknownField } from '../http/unknown-fields.ts';

const name = z.string().min(1).max(128);
const type = z.string().regex(slugPattern);
const modality = z.enum(modalities as [string, ...string[]]) as unknown as z.ZodType<(typeof modalities)[number]>;

/** What a task is, beside its content. */
const facts = {
  type,
  project: name.optional(),
  reflex: name.optional(),
  priority: z.enum(['background', 'normal', 'high']).optional(),
  high_priority: z.boolean().optional(),
  data_class: z.enum(dataClasses as [string, ...string[]]).optional(),
  model: name.optional(),
  unavailable_model: z.enum(unavailableModels as [string, ...string[]]).optional(),
  max_output_tokens: z.int().min(1).max(10_000_000).optional(),
  input_modalities: z.array(modality).min(1).optional(),
  output_modalities: z.array(modality).min(1).optional(),
  needs: z.array(z.string().regex(slugPattern)).max(16).optional(),
};

const taskSchema = z.strictObject({
  ...facts,
  task_id: z.string().refine(isOpaqueId, 'must be 1 to 64 of A-Z a-z 0-9 _ -').optional(),
  timeout_ms: z.int().min(1).max(maxTimeoutMs).optional(),
  first_token_timeout_ms: z.int().min(1).max(maxTimeoutMs).optional(),
  idle_timeout_ms: z.int().min(1).max(maxTimeoutMs).optional(),
  max_output_is_exact: z.boolean().optional(),
  cost_tags: z.record(z.string().max(64), z.string().max(64)).optional(),
  input_kind: z.string().regex(slugPattern).optional(),
  input: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
});
/** A durable task. */
export const submissionSchema = taskSchema.extend({
  timeout_ms: z
    .int()
    .min(1)
    .max(31 * 86_400_000)
    .optional(),
  idempotency_key: z.string().min(1).max(200).optional(),
  not_before: z.iso.datetime({ offset: true }).optional(),
  defer: name.optional(),
});
/** A durable task that was submitted. */
const referenceSchema = z.strictObject({
  task_id: z.string().min(1).max(64),
  wait_ms: z.int().min(0).max(25_000).default(0),
});
/** A question about a task that is not run. */
export const questionSchema = z.strictObject({
  ...facts,
  input_tokens: z.int().min(0).optional(),
  at_unix_ms: z.int().min(0).optional(),
});

type Facts = Pick<z.infer<typeof questionSchema>, keyof typeof facts>;

const read = <S extends z.ZodObject>(schema: S, bytes: Buffer): z.infer<S> =>
  checkFields(schema, withoutNulls(parseJsonObject(bytes)));

/** A task in JSON. @throws {HttpError} 400, naming the first field that is wrong. */
export const readJsonTask = (bytes: Buffer, stated: FactsBeside): TaskRequest & { readonly taskId: string } =>
  checkTask(taskSchema, bytes, stated).task;

/** A task in JSON, with what else the body says. @throws {HttpError} 400 */
export function checkTask<S extends typeof taskSchema | typeof submissionSchema>(
  schema: S,
  bytes: Buffer,
  stated: FactsBeside,
): { readonly task: TaskRequest & { readonly taskId: string }; readonly body: z.infer<S> } {
  const body = read(schema, bytes);
  return { body, task: taskOf(body as z.infer<typeof taskSchema>, stated) };
}

function taskOf(body: z.infer<typeof taskSchema>, stated: FactsBeside): TaskRequest & { readonly taskId: string } {
  const { input, input_kind: inputKind } = body;
  mustBeSame('timeout_ms', body.timeout_ms, stated.timeoutMs);
  mustBeSame('first_token_timeout_ms', body.first_token_timeout_ms, stated.firstTokenTimeoutMs);
  mustBeSame('idle_timeout_ms', body.idle_timeout_ms, stated.idleTimeoutMs);
  return {
    taskId: body.task_id ?? newId(),
    ...(typeof input === 'string' ? { input } : inputKind === undefined ? chatIn(input) : { input: jsonOf(input) }),
    ...factsOf(body, stated),
    ...(inputKind !== undefined && { inputKind }),
    ...(body.timeout_ms !== undefined && { timeoutMs: body.timeout_ms }),
    ...(body.first_token_timeout_ms !== undefined && { firstTokenTimeoutMs: body.first_token_timeout_ms }),
    ...(body.idle_timeout_ms !== undefined && { idleTimeoutMs: body.idle_timeout_ms }),
    ...(body.max_output_is_exact !== undefined && { maxOutputIsExact: body.max_output_is_exact }),
    ...(body.cost_tags && { costTags: body.cost_tags }),
  };
}

/** A chat is checked like one that came by HTTP, and says itself what a model must be able to do. @throws {HttpError} */
function chatIn(
  input: Readonly<Record<string, unknown>>,
): Pick<TaskRequest, 'input' | 'needs' | 'inputModalities' | 'inputTokens'> {
  if (!Array.isArray(input['messages']))
    throw invalid('input must be a string or a chat with messages, or input_kind must say what it is', 'input');
  const read = readTaskChat(input);
  // Which further fields a model takes is for its provider to say.
  const chat = read.input(topLevelOf(read.unknown));
  const { messages } = read;
  const inputTokens = estimateChatTokens(messages, chat.length);
  return { input: chat, needs: needsOf(read), inputModalities: modalitiesOf(messages), inputTokens };
}

/**
 * The chat of a task whose facts are stated beside it. A fact, or a wish that cannot be honoured, within it is refused:
 * it would go unheard. @throws {HttpError} 400
 */
export function readTaskChat(input: Readonly<Record<string, unknown>>): ReadChat {
  const chat = withoutNulls(input);
  if (chat['model'] !== undefined) throw invalid('input.model: say it as model, beside input', 'input.model');
  mustStateNothing(chat['metadata']);
  const read = checkChat({ ...chat, model: 'auto' });
  droppedFields(read.unknown);
  return read;
}

/** Attributes within the chat would go unheard: a task states them beside its input. @throws {HttpError} 400 */
function mustStateNothing(metadata: unknown): void {
  if (typeof metadata !== 'object' || metadata === null) return;
  const [stated] = Object.keys(attributesIn(metadataAttributes(metadata as Record<string, unknown>)));
  if (stated !== undefined)
    throw invalid(`input.metadata: ${stated} is stated beside input, or by a header`, 'input.metadata');
}

const topLevelOf = (unknown: readonly UnknownField[]): Record<string, unknown> =>
  Object.fromEntries(unknown.filter(({ path }) => path.length === 1).map(({ param, value }) => [param, value]));

/** Facts stated beside the body, by the subject or by headers: who asks, and facts that the body does not name. */
export type FactsBeside = { readonly client: string } & Partial<Omit<StatedFacts, 'client'>>;

const jsonOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** Reads which durable task is meant, and for how long its end is waited for. @throws {HttpError} 400. */
export const readJsonReference = (bytes: Buffer): z.infer<typeof referenceSchema> => read(referenceSchema, bytes);

/** A question about a task that is not run. @throws {HttpError} 400 */
export function readJsonQuestion(bytes: Buffer, stated: FactsBeside): Question {
  const body = read(questionSchema, bytes);
  return {
    ...factsOf(body, stated),
    ...(body.input_tokens !== undefined && { inputTokens: body.input_tokens }),
    ...(body.at_unix_ms !== undefined && { atUnixMs: body.at_unix_ms }),
  };
}

/** What stands in the body and beside it must be the same where it is stated in both. @throws {HttpError} 400 */
function factsOf(body: Facts, { taskType, ...beside }: FactsBeside) {
  const priority = priorityStated(body.priority, body.high_priority);
  if (priority === 'conflict')
    throw invalid(priorityConflict(body.priority ?? 'normal', body.high_priority === true), 'high_priority');
  mustBeSame('type', body.type, taskType);
  mustBeSame('project', body.project, beside.project);
  mustBeSame('reflex', body.reflex, beside.reflex);
  mustBeSame('priority', priority, beside.priority);
  mustBeSame('data_class', body.data_class, beside.dataClass);
  mustBeSame('unavailable_model', body.unavailable_model, beside.unavailableModel);
  return {
    ...beside,
    type: body.type,
    ...(body.data_class !== undefined && { dataClass: body.data_class as DataClass }),
    ...(body.project !== undefined && { project: body.project }),
    ...(body.reflex !== undefined && { reflex: body.reflex }),
    ...(priority !== undefined && { priority }),
    ...(body.model !== undefined && { model: body.model }),
    ...(body.unavailable_model !== undefined && { unavailableModel: body.unavailable_model as UnavailableModel }),
    ...(body.max_output_tokens !== undefined && { maxOutputTokens: body.max_output_tokens }),
    ...(body.input_modalities !== undefined && { inputModalities: body.input_modalities }),
    ...(body.output_modalities !== undefined && { outputModalities: body.output_modalities }),
    ...(body.needs !== undefined && { needs: body.needs }),
  };
}

/** @throws {HttpError} 400: a field of the body and the header of the same meaning say two things. */
function mustBeSame(field: string, inBody: string | number | undefined, beside: string | number | undefined): void {
  if (inBody === undefined || beside === undefined || isSame(inBody, beside) || isSameName(inBody, beside)) return;
  const header = `x-will-${(field === 'type' ? 'task_type' : field).replaceAll('_', '-')}`;
  throw invalid(
    `${field} ${JSON.stringify(inBody)} and ${header} ${JSON.stringify(beside)} must be the same where both are there`,
    field,
  );
}

const isSameName = (one: string | number, other: string | number): boolean =>
  typeof one === 'string' && typeof other === 'string' && nameKey(one) === nameKey(other);
