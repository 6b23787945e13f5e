import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import type { Random } from '../policy/random.ts';

/** What another client owns, by the names that a caller could say. */
export interface Foreign {
  /** Slug and name of the client. */
  readonly clients: readonly string[];
  readonly projects: readonly string[];
  /** Tasks, durable ones and decisions. */
  readonly ids: readonly string[];
}

/** One request that names something of another client, and the same with a name that nobody has. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}
export interface GrpcRequest {
  readonly what: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}
export type ForeignRequest = { readonly http: HttpRequest } | { readonly grpc: GrpcRequest };

/** A request as a function of the name in it: what differs between two answers then comes from the name alone. */
export type Template = (name: string) => ForeignRequest;

interface Named {
  readonly kind: keyof Foreign;
  readonly name: string;
  /** As long as the name, and nobody's. */
  readonly nobodys: string;
  readonly template: Template;
}

const chat = { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] };
const task = { type: 'text_gen', input: 'ping' };

const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): ForeignRequest => ({
  http: { method: 'POST', path, headers, body: JSON.stringify(body) },
});
const ask = (method: 'GET' | 'POST' | 'DELETE', path: string): ForeignRequest => ({
  http: { method, path, headers: {}, body: method === 'POST' ? '{}' : undefined },
});
function call<S extends DescMessage>(
  what: string,
  schema: S,
  fields: MessageInitShape<S>,
  metadata: Readonly<Record<string, string>> = {},
): ForeignRequest {
  return { grpc: { what: `will.v1.${what}`, metadata, bytes: toBinary(schema, create(schema, fields)) } };
}

const textRoutes: readonly (readonly [string, object])[] = [
  ['/v1/chat/completions', chat],
  ['/v1/responses', { model: 'text_gen', input: 'ping' }],
  ['/v1/messages', { ...chat, max_tokens: 5 }],
  ['/v1/embeddings', { model: 'embedding', input: 'ping' }],
  ['/v1/explain', { type: 'text_gen' }],
  ['/v1/tasks', task],
];

const protoTask = (more: MessageInitShape<typeof wire.TaskSchema>) => ({
  task: {
    type: 'text_gen',
    inputKind: 'chat',
    input: Buffer.from(JSON.stringify({ messages: chat.messages })),
    ...more,
  },
});

/** Every way to name a client, by the random choice of a route and of a place. */
const clientTemplates: readonly Template[] = [
  ...textRoutes.flatMap(([path, body]): Template[] => [
    (name) => post(path, body, { 'x-will-client': name }),
    (name) => post(path, { ...body, metadata: { will_client: name } }),
    (name) => post(path, { ...body, client: name }),
  ]),
  (name) => ask('GET', `/v1/tasks?client=${encodeURIComponent(name)}`),
  (client) =>
    call('TaskService/Run', wire.RunRequestSchema, {
      client,
      prompt: 'ping',
      ...protoTask({ input: new Uint8Array() }),
    }),
  (client) => call('TaskService/Explain', wire.ExplainRequestSchema, { facts: { taskType: 'text_gen', client } }),
  (client) => call('DurableTaskService/SubmitTask', wire.SubmitTaskRequestSchema, { client, request: protoTask({}) }),
  (client) => call('DurableTaskService/ListDurableTasks', wire.ListDurableTasksRequestSchema, { client, request: {} }),
  (client) => call('TelemetryService/QueryCalls', wire.QueryCallsRequestSchema, { client }),
  (client) => call('TelemetryService/QueryUsage', wire.QueryUsageRequestSchema, { client }),
  (name) =>
    call(
      'TaskService/Run',
      wire.RunRequestSchema,
      { prompt: 'ping', ...protoTask({ input: new Uint8Array() }) },
      { 'x-will-client': name },
    ),
];

const projectTemplates: readonly Template[] = [
  ...textRoutes.flatMap(([path, body]): Template[] => [
    (name) => post(path, body, { 'x-will-project': name }),
    (name) => post(path, { ...body, metadata: { will_project: name } }),
    (name) => post(path, { ...body, project: name }),
  ]),
  (project) =>
    call('TaskService/Run', wire.RunRequestSchema, {
      prompt: 'ping',
      ...protoTask({ project, input: new Uint8Array() }),
    }),
  (project) => call('TaskService/Explain', wire.ExplainRequestSchema, { facts: { taskType: 'text_gen', project } }),
  (project) => call('DurableTaskService/SubmitTask', wire.SubmitTaskRequestSchema, { request: protoTask({ project }) }),
];

const idTemplates: readonly Template[] = [
  (id) => ask('GET', `/v1/tasks/${id}`),
  (id) => ask('GET', `/v1/tasks/${id}/events`),
  (id) => ask('DELETE', `/v1/tasks/${id}`),
  (id) => ask('POST', `/v1/tasks/${id}/requeue`),
  (taskId) => post('/v1/feedback', { task_id: taskId, score: 1 }),
  (taskId) => call('DurableTaskService/GetDurableTask', wire.GetDurableTaskRequestSchema, { request: { taskId } }),
  (taskId) =>
    call('DurableTaskService/CancelDurableTask', wire.CancelDurableTaskRequestSchema, { request: { taskId } }),
  (taskId) =>
    call('DurableTaskService/RequeueDurableTask', wire.RequeueDurableTaskRequestSchema, { request: { taskId } }),
  (taskId) => call('TelemetryService/QueryCalls', wire.QueryCallsRequestSchema, { taskId }),
  (taskId) => call('TelemetryService/Feedback', wire.FeedbackRequestSchema, { taskId, score: 1 }),
  (decisionId) => call('TelemetryService/GetDecision', wire.GetDecisionRequestSchema, { decisionId }),
];

const templates: Readonly<Record<keyof Foreign, readonly Template[]>> = {
  clients: clientTemplates,
  projects: projectTemplates,
  ids: idTemplates,
};

/** A name said in another spelling of the same. */
const spellings: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => ` ${name} `,
  (name) => name.replace(/^./, (first) => first.toUpperCase()),
];

/** Draws a request that names something of another client. */
export function drawForeign(foreign: Foreign, random: Random): Named {
  const kind = random.pick(['clients', 'projects', 'ids'] as const);
  const spelt = kind === 'ids' ? (name: string) => name : random.pick(spellings);
  const name = random.pick(foreign[kind]);
  const letters = 'bcdfghjklmnpqrstvwxz';
  const nobodys = name.replace(/[a-z0-9]/gi, () => letters[random.below(letters.length)] ?? 'x');
  return { kind, name: spelt(name), nobodys: spelt(nobodys), template: random.pick(templates[kind]) };
}
