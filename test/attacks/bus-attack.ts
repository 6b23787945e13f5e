import type { DescMessage } from '@bufbuild/protobuf';
import { createInbox, headers as newHeaders, type NatsConnection } from '@nats-io/transport-node';
import {
  type AuditOperation,
  auditOperations,
  type JsonOperation,
  jsonOperations,
  type KeyOperation,
  keyOperations,
  type RegistryOperation,
  registryOperations,
  subjects,
  type TaskOperation,
  taskOperations,
  type TelemetryOperation,
  telemetryOperations,
  wire,
} from '@will/contracts';
import type { Payload } from './payloads.ts';
import { brokenMessages, type Targets, type WirePayload, wirePayloads } from './wire-payloads.ts';

/** One thing that a service does when it is asked on the bus. */
export interface BusTarget {
  readonly subject: string;
  /** False: nobody answers it; that nothing happens is what is looked at. */
  readonly isAnswered: boolean;
  readonly payloads: readonly WirePayload[];
}

type Plain = { [name: string]: unknown };
type Questions<Operation extends string> = Readonly<Record<Operation, readonly [DescMessage, Plain?]>>;
const never = 'AAAAAAAAAAAAAAAAAAAAAA';
const chat = Buffer.from('{"messages":[{"role":"user","content":"ping"}]}');

// A new operation has its message named here, or the types do not fit.
const registry: Questions<RegistryOperation> = {
  apply: [wire.ApplyRequestSchema, { dryRun: true, files: [{ path: 'a.yaml', text: 'kind: client\nname: Beta' }] }],
  get: [wire.GetRequestSchema],
  status: [wire.StatusRequestSchema],
  resolve: [wire.ResolveRequestSchema, { kind: 'client', name: 'Beta' }],
  history: [wire.HistoryRequestSchema],
  diff: [wire.DiffRequestSchema],
  rollback: [wire.RollbackRequestSchema, { dryRun: true, revision: 1n }],
};
const keys: Questions<KeyOperation> = {
  create: [wire.CreateKeyRequestSchema, { key: { id: 'not-an-id' } }],
  list: [wire.ListKeysRequestSchema],
  revoke: [wire.RevokeKeyRequestSchema, { id: 'not-an-id' }],
};
const audit: Questions<AuditOperation> = {
  note: [wire.AuditNoteSchema],
  list: [wire.ListAuditRequestSchema, { limit: 3 }],
  verify: [wire.VerifyAuditRequestSchema],
};
const telemetry: Questions<TelemetryOperation> = {
  feedback: [wire.FeedbackRequestSchema, { taskId: never, score: 5 }],
  open: [wire.OpenCounterRequestSchema],
  limits: [wire.LimitsRequestSchema],
  alerts: [wire.AlertsRequestSchema],
  calls: [wire.QueryCallsRequestSchema, { limit: 5 }],
  decision: [wire.GetDecisionRequestSchema, { decisionId: never }],
  recent: [wire.RecentFactsRequestSchema, { sinceUnixMs: 1n }],
  usage: [wire.QueryUsageRequestSchema],
  reprice: [wire.RepriceRequestSchema],
  erase: [wire.EraseClientRequestSchema, { client: 'nobody' }],
  content: [wire.GetContentRequestSchema, { attemptId: never }],
  prove: [wire.ProveRequestSchema, { client: 'nobody' }],
};
const tasks: Questions<TaskOperation> = {
  submit: [wire.SubmitRequestSchema, { task: { type: 'text_gen', inputKind: 'chat', input: chat } }],
  get: [wire.GetTaskRequestSchema, { taskId: never }],
  cancel: [wire.CancelTaskRequestSchema, { taskId: never }],
  list: [wire.ListTasksRequestSchema],
  requeue: [wire.RequeueTaskRequestSchema, { taskId: never }],
};
const json: Readonly<Record<JsonOperation, Plain>> = {
  run: { type: 'text_gen', input: 'ping' },
  stream: { type: 'text_gen', input: 'ping' },
  explain: { type: 'text_gen' },
  cancel: { task_id: never },
  submit: { type: 'text_gen', input: 'ping' },
  get: { task_id: never },
};

/** Everything that services serve on the bus, as `client` would ask for it. */
export function busTargets(client: string, targets: Targets, bodies: readonly Payload[]): readonly BusTarget[] {
  const asked = (
    subject: string,
    [schema, right = {}]: readonly [DescMessage, Plain?],
    isAnswered = true,
  ): BusTarget => ({
    subject,
    isAnswered,
    payloads: wirePayloads(schema, right, targets),
  });
  const inJson = (right: Plain): WirePayload[] =>
    bodies
      .filter(({ segment, query, headers }) => !segment && !query && !headers)
      .map(({ what, raw, fields }) => ({
        what,
        bytes: Buffer.from((raw ?? JSON.stringify({ ...right, ...fields })) as string),
        namesAnother: false,
      }));
  return [
    ...registryOperations.map((one) => asked(subjects.registry(one), registry[one])),
    ...keyOperations.map((one) => asked(subjects.keys(one), keys[one])),
    ...auditOperations.map((one) => asked(subjects.audit(one), audit[one])),
    ...telemetryOperations.map((one) => asked(subjects.telemetry(one), telemetry[one])),
    ...taskOperations.map((one) => asked(subjects.task(one, client), tasks[one])),
    ...jsonOperations.map((one) => ({
      subject: subjects.json(one, client),
      isAnswered: one !== 'cancel',
      payloads: [
        ...inJson(json[one]),
        ...brokenMessages.map(([what, bytes]) => ({ what, bytes, namesAnother: false })),
      ],
    })),
    asked(subjects.taskRun(client), [
      wire.TaskSchema,
      { taskId: 'attacking', type: 'text_gen', inputKind: 'chat', input: chat },
    ]),
    asked(subjects.tasksNaming, [wire.TasksNamingRequestSchema, { clients: [client], projects: ['x'] }]),
    asked(subjects.policyExplain, [wire.DecideRequestSchema, { facts: { taskType: 'text_gen' } }]),
    asked(subjects.policyDecide, [wire.DecideRequestSchema, { facts: { taskType: 'text_gen' } }]),
    asked(subjects.policyEdge, [wire.StatusRequestSchema], false),
    asked(subjects.call('open', 'cloud'), [wire.CallRequestSchema], false),
    asked(subjects.cancel('somebody', client), [wire.CancelSchema, { taskId: never }], false),
    asked(subjects.inFlight('somebody', client), [wire.InFlightRequestSchema], false),
    asked(subjects.control('somebody'), [wire.CallControlSchema], false),
  ];
}

/** Where no answer may be written to, whichever user asks for it; `token` makes each recognisable. */
export const forbiddenReplies = (token: string): readonly string[] => [
  `$KV.will_registry.${token}`,
  `$JS.API.STREAM.PURGE.${token}`,
  `will.v1.evt.x.${token}`,
  `will.v1.result.alpha.${token}`,
  `will.v1.keys.${token}`,
];

/** Asks once with raw bytes. @returns undefined: nobody answered in time, which only what is not answered may do */
export async function askBus(
  connection: NatsConnection,
  subject: string,
  bytes: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  return connection.request(subject, bytes, { timeout: timeoutMs }).then(
    ({ data }) => data,
    (error: Error) => {
      if (/timeout/i.test(`${error.name} ${error.message}`)) return undefined;
      throw error;
    },
  );
}

/** Asks for the answer at another subject, plainly or by the server's own trace header. */
export function askElsewhere(
  connection: NatsConnection,
  subject: string,
  bytes: Uint8Array,
  { reply, traceTo }: { readonly reply?: string; readonly traceTo?: string },
): void {
  const traced = newHeaders();
  if (traceTo !== undefined) traced.set('Nats-Trace-Dest', traceTo);
  connection.publish(subject, bytes, { headers: traced, reply: reply ?? createInbox('_INBOX.nobody') });
}
