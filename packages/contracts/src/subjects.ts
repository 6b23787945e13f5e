import { slugPattern, type Priority, quote } from '@will/core';

/** A value cannot stand in a subject; the message names it (cut to 80 characters) and what was allowed. */
export class SubjectError extends Error {
  override readonly name = 'SubjectError';
}

const opaquePattern = /^[A-Za-z0-9_-]{1,64}$/;
const inboxPattern = /^_INBOX(\.[A-Za-z0-9_-]{1,64}){2,6}$/;
const counterPattern =
  /^(model|client|project)\.[a-z0-9][a-z0-9_-]{0,63}\.(requests|tokens|nano_usd)\.(m\d{1,12}|d\d{8}|mo\d{6})$/;

/** A slug (client, model, kind): lower case, checked. @throws {SubjectError} */
function slug(what: string, value: string): string {
  if (!slugPattern.test(value)) throw new SubjectError(`${what} ${quote(value)} must match ${slugPattern.source}`);
  return value;
}
/** An id made by a machine: task, process, attempt. @throws {SubjectError} */
function opaque(what: string, value: string): string {
  if (!opaquePattern.test(value)) throw new SubjectError(`${what} ${quote(value)} must match ${opaquePattern.source}`);
  return value;
}

/** Scope, document, metric and period of a counter. @throws {SubjectError} */
function counter(key: string): string {
  if (!counterPattern.test(key)) throw new SubjectError(`counter ${quote(key)} must match ${counterPattern.source}`);
  return key;
}

/** In the place of a process id; those of processes are longer. */
const allRouters = 'routers';

/** A data class as a token of a subject. */
export type DataClassToken = 'open' | 'customer' | 'sensitive' | 'customer-sensitive';
/** Operations of the registry. */
export const registryOperations = ['apply', 'get', 'status', 'history', 'diff', 'rollback', 'resolve'] as const;
/** An operation of the registry. */
export type RegistryOperation = (typeof registryOperations)[number];
/** Operations on durable tasks. */
export const taskOperations = ['submit', 'get', 'cancel', 'list', 'requeue'] as const;
/** An operation on durable tasks. */
export type TaskOperation = (typeof taskOperations)[number];
/** Operations that callers may ask for as JSON. */
export const jsonOperations = ['run', 'stream', 'explain', 'cancel', 'submit', 'get'] as const;
/** An operation that callers may ask for as JSON. */
export type JsonOperation = (typeof jsonOperations)[number];
/** Operations on API keys. */
export const keyOperations = ['create', 'list', 'revoke'] as const;
/** An operation on API keys. */
export type KeyOperation = (typeof keyOperations)[number];
/** Operations on the audit log. */
export const auditOperations = ['note', 'list', 'verify'] as const;
/** An operation on the audit log. */
export type AuditOperation = (typeof auditOperations)[number];
/** Operations of telemetry. */
export const telemetryOperations = [
  'feedback',
  'open',
  'limits',
  'alerts',
  'calls',
  'decision',
  'recent',
  'usage',
  'reprice',
  'erase',
  'content',
  'prove',
] as const;
/** An operation of telemetry. */
export type TelemetryOperation = (typeof telemetryOperations)[number];

/**
 * The one place that builds subjects. Every argument is checked, so caller text can never become a wildcard, a system
 * subject, or a line so long that the server closes the connection. All throw {@link SubjectError}.
 */
export const subjects = {
  taskRun: (client: string) => `will.v1.task.run.${slug('client', client)}`,
  /** The same in JSON, for callers without protobuf. */
  json: (operation: JsonOperation, client: string) => `will.v1.json.${operation}.${slug('client', client)}`,
  /** Operations on durable tasks. */
  task: (operation: TaskOperation, client: string) => `will.v1.task.${operation}.${slug('client', client)}`,
  /** Removes all durable tasks of a client; for operators. */
  tasksErase: 'will.v1.tasks.erase',
  /** A durable task's place in the queue. */
  taskQueue: (priority: Priority, client: string, type: string) =>
    `will.v1.task.queue.${priority}.${slug('client', client)}.${slug('task type', type)}`,
  /** Where a durable task waits for its time; one per task. */
  taskSchedule: (client: string, taskId: string) =>
    `will.v1.sched.${slug('client', client)}.${opaque('task id', taskId)}`,
  /** The one result of a durable task. */
  taskResult: (client: string, taskId: string) =>
    `will.v1.result.${slug('client', client)}.${opaque('task id', taskId)}`,
  /** Which tasks that have not ended name documents that are to be removed. */
  tasksNaming: 'will.v1.tasks.naming',
  policyDecide: 'will.v1.policy.decide',
  policyExplain: 'will.v1.policy.explain',
  /** A window of a schedule opens or closes now. */
  policyEdge: 'will.v1.policy.edge',
  call: (dataClass: DataClassToken, model: string) =>
    `will.v1.call.${slug('data class', dataClass)}.${slug('model', model)}`,
  /** The same, for one worker of the model's group. */
  callAt: (dataClass: DataClassToken, model: string, workerId: string) =>
    `${subjects.call(dataClass, model)}.${opaque('worker id', workerId)}`,
  /** At the process that owns the task now. */
  cancel: (processId: string, client: string) =>
    `will.v1.cancel.${opaque('process id', processId)}.${slug('client', client)}`,
  /** Asks the process whether tasks of the client, or attempts, are under way there. */
  inFlight: (processId: string, client: string) =>
    `will.v1.inflight.${opaque('process id', processId)}.${slug('client', client)}`,
  /** The same question to every router: who has a task may be dead. */
  inFlightAtRouters: (client: string) => `will.v1.inflight.${allRouters}.${slug('client', client)}`,
  control: (workerId: string) => `will.v1.control.${opaque('worker id', workerId)}`,
  heartbeat: (processId: string) => `will.v1.heartbeat.${opaque('process id', processId)}`,
  free: (model: string) => `will.v1.free.${slug('model', model)}`,
  registry: (operation: RegistryOperation) => `will.v1.registry.${operation}`,
  /** A counter of what limits allow; `key` '' for what all of a kind begin with. */
  counter: (kind: 'ledger' | 'rate', key: string) =>
    `will.v1.${kind === 'ledger' ? 'ctr' : 'rate'}.${key === '' ? '' : counter(key)}`,
  /** Asks all who hold something of a counter to give back what they do not need now. */
  recall: (key: string) => `will.v1.quota.recall.${counter(key)}`,
  /** Keys of callers. */
  keys: (operation: KeyOperation) => `will.v1.keys.${operation}`,
  /** What was changed and refused. */
  audit: (operation: AuditOperation) => `will.v1.audit.${operation}`,
  telemetry: (operation: TelemetryOperation) => `will.v1.telemetry.${operation}`,
  /** What was said in calls, of clients that switch that on. */
  content: 'will.v1.content',
  /** What a router tells the others of conversations. */
  sessions: (processId: string) => `will.v1.sessions.${opaque('process id', processId)}`,
  event: (service: string, kind: string) => `will.v1.evt.${slug('service', service)}.${slug('event', kind)}`,
  /** Inbox of one run: lies under the client's own prefix, which permissions can confine. */
  inbox: (client: string, connectionId: string, token: string) =>
    `_INBOX.${slug('client', client)}.${opaque('connection id', connectionId)}.${opaque('token', token)}`,
} as const;

/** Patterns to subscribe to. */
export const patterns = {
  taskRun: 'will.v1.task.run.*',
  json: (operation: JsonOperation) => `will.v1.json.${operation}.*`,
  task: (operation: TaskOperation) => `will.v1.task.${operation}.*`,
  taskQueue: (priority: Priority) => `will.v1.task.queue.${priority}.>`,
  taskQueues: 'will.v1.task.queue.>',
  /** Everywhere in the queue, of one client. */
  taskQueuesOf: (client: string) => `will.v1.task.queue.*.${slug('client', client)}.*`,
  taskSchedules: 'will.v1.sched.*.*',
  taskSchedulesOf: (client: string) => `will.v1.sched.${slug('client', client)}.*`,
  taskResultsOf: (client: string) => `will.v1.result.${slug('client', client)}.*`,
  taskResults: 'will.v1.result.*.*',
  free: 'will.v1.free.*',
  cancels: (processId: string) => `will.v1.cancel.${opaque('process id', processId)}.*`,
  inFlightsAtRouters: `will.v1.inflight.${allRouters}.*`,
  inFlights: (processId: string) => `will.v1.inflight.${opaque('process id', processId)}.*`,
  sessions: 'will.v1.sessions.*',
  events: 'will.v1.evt.>',
  recall: 'will.v1.quota.recall.>',
  counters: (kind: 'ledger' | 'rate') => `${subjects.counter(kind, '')}>`,
  /** All runs of one connection; `client` '*' for a server that speaks for many clients. */
  inbox: (client: string, connectionId: string) =>
    `_INBOX.${client === '*' ? '*' : slug('client', client)}.${opaque('connection id', connectionId)}.*`,
} as const;

/** Queue groups of the services. */
export const queues = {
  router: 'router',
  policy: 'policy',
  registry: 'registry',
  telemetry: 'telemetry',
  json: 'json',
  tasks: 'tasks',
  worker: 'w',
} as const;

/** Names of streams, consumers and buckets. */
export const names = {
  eventsStream: 'WILL_EVENTS',
  contentStream: 'WILL_CONTENT',
  registryBucket: 'will_registry',
  processesBucket: 'will_processes',
  cooldownBucket: 'will_cooldown',
  sessionsStream: 'WILL_SESSIONS',
  secretBucket: 'will_secret',
  alertsBucket: 'will_alerts',
  tasksStream: 'WILL_TASKS',
  resultsStream: 'WILL_RESULTS',
  keysBucket: 'will_keys',
  auditBucket: 'will_audit',
  ledgerStream: 'WILL_LEDGER',
  rateStream: 'WILL_RATE',
  payloadBucket: 'will_payloads',
} as const;

/** The client a task subject speaks for; undefined when it is not such a subject. */
export function clientOfTaskSubject(subject: string): string | undefined {
  const client = subject.startsWith('will.v1.task.run.') ? subject.slice('will.v1.task.run.'.length) : '';
  return slugPattern.test(client) ? client : undefined;
}

/** The client that the subject of an operation on durable tasks speaks for; undefined when it is not such a subject. */
export function clientOfTask(operation: TaskOperation, subject: string): string | undefined {
  const prefix = `will.v1.task.${operation}.`;
  const client = subject.startsWith(prefix) ? subject.slice(prefix.length) : '';
  return slugPattern.test(client) ? client : undefined;
}

/** The client a JSON subject speaks for; undefined when it is not such a subject. */
export function clientOfJsonSubject(subject: string): string | undefined {
  const [, , kind, , client = ''] = subject.split('.');
  return kind === 'json' && slugPattern.test(client) ? client : undefined;
}

/**
 * True of a reply subject that is an inbox of this client. The one that serves checks this before it works: otherwise
 * a caller could have the answer written to any subject that the server may publish to.
 */
export const isInboxOf = (client: string, reply: string | undefined): reply is string =>
  reply !== undefined && inboxPattern.test(reply) && reply.startsWith(`_INBOX.${client}.`);

/** True of a reply subject that is any inbox at all. */
export const isInbox = (reply: string | undefined): reply is string => reply !== undefined && inboxPattern.test(reply);

/** True of an id that fits a subject and a header. */
export const isOpaqueId = (value: string): boolean => opaquePattern.test(value);

/** Bounds of what may be published; the server's own limit is 1 MiB. */
export const sizes = {
  /** A task's input, inline. */
  inputBytes: 768 * 1024,
  /** A body that a server holds whole and parses. */
  bodyBytes: 16 * 1024 * 1024,
  /** What lies in the payload bucket for one task. */
  payloadBytes: 32 * 1024 * 1024,
  /** A whole result; no provider's answer is longer. */
  resultBytes: 48 * 1024 * 1024,
  /** A piece of output that is no text, and of text, in one frame. */
  pieceBytes: 512 * 1024,
  /** Any whole message. */
  messageBytes: 1024 * 1024 - 4096,
} as const;
