import type { KeyRole } from '@will/contracts';
import { dialects } from '../../api/dialects.ts';
import type { Access } from './guard.ts';

const everyKey: readonly KeyRole[] = ['caller', 'operator', 'auditor'];
const callers: readonly KeyRole[] = ['caller'];
const readers: readonly KeyRole[] = ['operator', 'auditor'];

/** `<method> <route>` → who may. What does not stand here is refused to everybody: a new route says for whom it is. */
export const httpAccess: Readonly<Record<string, Access>> = {
  ...Object.fromEntries(dialects.map(({ path }) => [`POST ${path}`, callers])),
  'POST /v1/messages/count_tokens': callers,
  'POST /v1/embeddings': callers,
  'POST /v1/audio/transcriptions': callers,
  'POST /v1/audio/translations': callers,
  'POST /v1/audio/speech': callers,
  'POST /v1/images/generations': callers,
  'POST /v1/rerank': callers,
  'POST /v1/explain': everyKey,
  'POST /v1/feedback': callers,
  'POST /v1/tasks': callers,
  'GET /v1/tasks': callers,
  'GET /v1/tasks/*': callers,
  'GET /v1/tasks/*/events': callers,
  'DELETE /v1/tasks/*': callers,
  'POST /v1/tasks/*/requeue': callers,
  'GET /v1/models': everyKey,
  'GET /v1/models/**': everyKey,
  'GET /openapi.json': everyKey,
  'GET /healthz': 'anybody',
};

/** `<service>/<method>` → who may; the same rule. */
export const grpcAccess: Readonly<Record<string, Access>> = {
  'will.v1.TaskService/Run': callers,
  'will.v1.TaskService/Stream': callers,
  'will.v1.TaskService/Explain': everyKey,
  'will.v1.DurableTaskService/SubmitTask': callers,
  'will.v1.DurableTaskService/GetDurableTask': callers,
  'will.v1.DurableTaskService/CancelDurableTask': callers,
  'will.v1.DurableTaskService/ListDurableTasks': callers,
  'will.v1.DurableTaskService/WatchDurableTask': callers,
  'will.v1.DurableTaskService/RequeueDurableTask': callers,
  'will.v1.RegistryService/Get': readers,
  'will.v1.RegistryService/Status': readers,
  'will.v1.TelemetryService/QueryCalls': everyKey,
  'will.v1.TelemetryService/GetDecision': everyKey,
  'will.v1.TelemetryService/QueryUsage': everyKey,
  'will.v1.TelemetryService/Feedback': callers,
  'grpc.health.v1.Health/Check': 'anybody',
  'grpc.health.v1.Health/List': 'anybody',
  'grpc.health.v1.Health/Watch': 'anybody',
  'grpc.reflection.v1.ServerReflection/ServerReflectionInfo': everyKey,
  'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': everyKey,
};

/** The access that a route or method demands; nobody's where the table does not name it. */
export const accessTo = (table: Readonly<Record<string, Access>>, what: string): Access =>
  (Object.hasOwn(table, what) ? table[what] : undefined) ?? [];
