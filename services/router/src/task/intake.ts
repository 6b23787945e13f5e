import type {
  DataRequirement,
  DeclaredCostTags,
  Facts,
  HedgeAfter,
  Modality,
  Resolved,
  TaskTypeDocument,
  Timeouts,
  TimeoutsDocument,
} from '@will/core';
import {
  estimateMediaTokens,
  estimateTokens,
  fieldsKind,
  maxTimeoutMs,
  modalities,
  needsOfType,
  priorityConflict,
  readCostTags,
  type Priority,
  slugPattern,
  timeoutsOf,
  type UnavailableModel,
  unavailableModels,
  defaultModalities,
  quote,
} from '@will/core';
import {
  dataClassFromWire,
  isOpaqueId,
  priorityFromWire,
  priorityOfTask,
  requirementFromWire,
  sizes,
  type wire,
} from '@will/contracts';

/** A task that was read and found well formed. */
export interface AcceptedTask {
  readonly taskId: string;
  readonly client: string;
  readonly facts: Facts;
  /** What was ignored, in words for the caller. */
  readonly notices: readonly string[];
  /** Names of fields of the request that its server left out. */
  readonly ignoredFields: readonly string[];
  readonly deadlineUnixMs: number;
  readonly timeouts: Timeouts;
  /** When the next model is asked besides; undefined: never. */
  readonly hedgeAfter?: HedgeAfter | undefined;
  readonly stream: boolean;
  /** What the caller wants at most; 0: the model's own limit. */
  readonly maxOutputTokens: number;
  readonly inputKind: string;
  readonly input: Uint8Array;
  /** The input, or one field of it, in the payload bucket. */
  readonly payload: wire.PayloadRef | undefined;
  /** Upper bound of the input's tokens, not rounded. */
  readonly inputTokens: number;
  /** The conversation that it continues; undefined: none is known. */
  readonly session?: string | undefined;
  /** What its cost is counted under: `key=value`, in the order of the keys. */
  readonly costTags: readonly string[];
}

/** A problem with a task; the message names the value and what was allowed, never the content. */
export class InvalidTaskError extends Error {
  override readonly name = 'InvalidTaskError';
  readonly code: 'invalid_task' | 'too_large';
  constructor(message: string, code: 'invalid_task' | 'too_large' = 'invalid_task') {
    super(message);
    this.code = code;
  }
}

const knownModalities: readonly string[] = modalities;
const maxListed = 16;

/** Words of documents that a task of its client and type goes by. */
export interface Documented {
  readonly type?: TaskTypeDocument | undefined;
  /** The most specific first. */
  readonly timeouts: readonly (TimeoutsDocument | undefined)[];
  readonly costTags?: DeclaredCostTags | undefined;
  readonly hedgeAfter?: HedgeAfter | undefined;
}
const nothingDocumented: Documented = { timeouts: [] };

/**
 * Reads a task as it came from the bus. Token estimates are rounded up to `edges`, so that tasks of like size share
 * one decision.
 * @throws {InvalidTaskError}
 */
export function readTask(
  task: wire.Task,
  who: Resolved,
  edges: readonly number[],
  nowMs: number,
  documented: Documented = nothingDocumented,
): AcceptedTask {
  const { taskId } = task;
  const { type } = documented;
  const { client, notices } = who;
  if (!isOpaqueId(taskId)) throw new InvalidTaskError(`task id ${quote(taskId)} must be 1 to 64 of A-Z a-z 0-9 _ -`);
  if (!slugPattern.test(task.type))
    throw new InvalidTaskError(`task type ${quote(task.type)} must match ${slugPattern.source}`);
  const payload = readPayload(task, client);
  if (task.input.length === 0 && payload?.field !== '') throw new InvalidTaskError('the input is empty');
  if (task.input.length > sizes.inputBytes)
    throw new InvalidTaskError(`input of ${task.input.length} bytes exceeds ${sizes.inputBytes}`, 'too_large');
  if (!slugPattern.test(task.inputKind))
    throw new InvalidTaskError(`input kind ${quote(task.inputKind)} must match ${slugPattern.source}`);
  const timeouts = readTimeouts(task, documented.timeouts, nowMs);
  if (task.inputKind === fieldsKind && !type?.fields)
    throw new InvalidTaskError(`input kind fields: no document describes fields of task type ${quote(task.type)}`);
  const input = readModalities('input', task.inputModalities, defaultModalities(task.type, type).input);
  const inputTokens = tokensOf(task, input);
  return {
    taskId,
    client,
    facts: readFacts(task, who, edges, type, input, inputTokens),
    notices,
    ignoredFields: task.ignoredFields.filter((name) => fieldName.test(name)).slice(0, maxIgnoredFields),
    deadlineUnixMs: Math.floor(nowMs + timeouts.maxMs),
    timeouts,
    hedgeAfter: documented.hedgeAfter,
    stream: task.stream,
    maxOutputTokens: task.maxOutputTokens,
    inputKind: task.inputKind,
    input: task.input,
    payload,
    inputTokens,
    session: sessionPattern.test(task.session) ? `${client}.${task.session}` : undefined,
    costTags: costTagsOf(task, documented.costTags),
  };
}

function costTagsOf({ costTags }: wire.Task, declared: DeclaredCostTags | undefined): readonly string[] {
  const read = readCostTags(costTags, declared);
  if ('problem' in read) throw new InvalidTaskError(read.problem);
  return read.tags;
}

const sessionPattern = /^[A-Za-z0-9_-]{22}$/;

/** What may be kept of a caller's own names. */
const fieldName = /^[A-Za-z0-9_.-]{1,64}$/;
const maxIgnoredFields = 10;

/** A payload's name begins with its client: what another one put away cannot be named. */
function readPayload({ payload, input }: wire.Task, client: string): wire.PayloadRef | undefined {
  if (!payload) return undefined;
  const { object, bytes, sha256, field } = payload;
  if (!object.startsWith(`${client}.`) || !isOpaqueId(object.slice(client.length + 1)))
    throw new InvalidTaskError(`payload ${quote(object)} must be ${client}.<id>`);
  if (bytes > BigInt(sizes.payloadBytes))
    throw new InvalidTaskError(`payload of ${bytes} bytes exceeds ${sizes.payloadBytes}`, 'too_large');
  if (bytes === 0n || sha256.length !== 32) throw new InvalidTaskError('the payload has no bytes or no SHA-256');
  if (!/^[a-z_]{0,32}$/.test(field)) throw new InvalidTaskError(`payload field ${quote(field)} must be a name`);
  if (field === '' && input.length > 0)
    throw new InvalidTaskError('the payload is the whole input, which is there too');
  return payload;
}

/** Upper bound of the input's tokens. What the caller says can raise the estimate, and never lower it. */
function tokensOf({ input, payload, inputTokens }: wire.Task, goesIn: readonly Modality[]): number {
  const payloadBytes = payload ? Number(payload.bytes) : 0;
  const isText = goesIn.every((modality) => modality === 'text');
  const estimate = isText
    ? estimateTokens(input.length + (payload?.field === '' ? payloadBytes : 0))
    : estimateMediaTokens(input, payloadBytes, goesIn);
  return Math.max(inputTokens, estimate);
}

function readFacts(
  task: wire.Task,
  { client, project, reflex }: Resolved,
  edges: readonly number[],
  type: TaskTypeDocument | undefined,
  input: readonly Modality[],
  inputTokens: number,
): Facts {
  return {
    taskType: task.type,
    client,
    project,
    reflex,
    priority: readPriority(task),
    dataClass: dataClassFromWire(task.dataClass),
    model: readModel(task.model),
    unavailableModel: task.unavailableModel === '' ? undefined : readUnavailableModel(task.unavailableModel),
    input,
    output: readModalities('output', task.outputModalities, defaultModalities(task.type, type).output),
    needs: readNeeds([...task.needs, ...(task.inputKind === fieldsKind ? needsOfType(type) : (type?.needs ?? []))]),
    inputTokens: roundUp(inputTokens, edges),
    maxOutputTokens: task.maxOutputIsExact ? roundUp(task.maxOutputTokens, edges) : 0,
    floor: task.floor && readFloor(task.floor),
  };
}

function readFloor(floor: wire.Requirement): DataRequirement {
  const words = [...floor.standards, ...floor.residencies];
  if (words.length > maxListed) throw new InvalidTaskError(`${words.length} words of the floor exceed ${maxListed}`);
  const bad = words.find((word) => !/^[A-Za-z0-9_-]{1,64}$/.test(word));
  if (bad !== undefined)
    throw new InvalidTaskError(`word ${quote(bad)} of the floor must be 1 to 64 of A-Z a-z 0-9 _ -`);
  return requirementFromWire(floor);
}

/** What is not stated is 0 on the wire. */
function readTimeouts(task: wire.Task, documents: readonly (TimeoutsDocument | undefined)[], nowMs: number): Timeouts {
  return timeoutsOf(documents, {
    firstTokenMs: task.firstTokenTimeoutMs || undefined,
    idleMs: task.idleTimeoutMs || undefined,
    maxMs: readDeadline(Number(task.deadlineUnixMs), nowMs),
  });
}

/** Time until the caller's deadline; undefined: it set none. */
function readDeadline(deadlineUnixMs: number, nowMs: number): number | undefined {
  if (deadlineUnixMs === 0) return undefined;
  if (deadlineUnixMs > nowMs + maxTimeoutMs + 60_000)
    throw new InvalidTaskError(`deadline ${deadlineUnixMs} must be UTC milliseconds at most ${maxTimeoutMs} ms ahead`);
  if (deadlineUnixMs <= nowMs) throw new InvalidTaskError(`deadline ${deadlineUnixMs} has passed`);
  return deadlineUnixMs - nowMs;
}

function readPriority(task: wire.Task): Priority {
  const stated = priorityOfTask(task);
  if (stated === 'conflict')
    throw new InvalidTaskError(priorityConflict(priorityFromWire(task.priority), task.highPriority === true));
  return stated ?? 'normal';
}

function readUnavailableModel(value: string): UnavailableModel {
  const found = unavailableModels.find((known) => known === value);
  if (found) return found;
  throw new InvalidTaskError(`unavailable_model ${quote(value)} must be one of ${unavailableModels.join(', ')}`);
}

function readModel(model: string): string | undefined {
  if (model === '') return undefined;
  if (model.length > 128) throw new InvalidTaskError(`model ${quote(model)} is longer than 128 characters`);
  return model;
}

/** What a task of a type needs at least: what sets the type apart, since a text beside an image or a sound is optional. */
function neededOf(usual: readonly Modality[]): readonly Modality[] {
  const known = neededByUsual.get(usual);
  if (known) return known;
  const special = sortedUnique(usual.filter((modality) => modality !== 'text')) as readonly Modality[];
  const needed: readonly Modality[] = special.length > 0 ? special : ['text'];
  neededByUsual.set(usual, needed);
  return needed;
}

/** By the list of a document, or of our own table: those of all tasks of a type are one. */
const neededByUsual = new WeakMap<readonly Modality[], readonly Modality[]>();

function readModalities(what: string, values: readonly string[], usual: readonly Modality[]): readonly Modality[] {
  if (values.length === 0) return neededOf(usual);
  const unknown = values.find((value) => !knownModalities.includes(value));
  if (unknown !== undefined)
    throw new InvalidTaskError(`${what} modality ${quote(unknown)} must be one of ${modalities.join(', ')}`);
  return sortedUnique(values) as readonly Modality[];
}

function readNeeds(values: readonly string[]): readonly string[] {
  if (values.length > maxListed) throw new InvalidTaskError(`${values.length} needs exceed ${maxListed}`);
  const bad = values.find((value) => !slugPattern.test(value));
  if (bad !== undefined) throw new InvalidTaskError(`need ${quote(bad)} must match ${slugPattern.source}`);
  return sortedUnique(values);
}

const sortedUnique = (values: readonly string[]): readonly string[] =>
  values.length < 2 ? values : [...new Set(values)].sort();

/** The first edge at or above; beyond the last edge every model is too small, so the value itself stays. */
export function roundUp(tokens: number, edges: readonly number[]): number {
  if (tokens === 0) return 0;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) < tokens) low = middle + 1;
    else high = middle;
  }
  return edges[low] ?? tokens;
}
