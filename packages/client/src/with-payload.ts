import { PayloadError, type Payloads } from '@will/bus';
import { newId } from '@will/contracts';
import { TaskError, type TaskErrorCode, type TaskRequest } from './api.ts';
import { inputBytes, tokensOf } from './task-message.ts';

const codes: Record<PayloadError['code'], TaskErrorCode> = {
  too_large: 'too_large',
  full: 'overloaded',
  gone: 'unavailable',
  wrong: 'unavailable',
  unavailable: 'unavailable',
};

/** A payload's failure as a task's. */
export const payloadFailure = ({ code, message }: PayloadError, taskId: string, cause: unknown): TaskError =>
  new TaskError(codes[code], message, { taskId, isRetryable: code !== 'too_large', cause });

const nothing = new Uint8Array(0);

/** Runs a task whose input lies in the payload bucket for as long as it runs. @throws {TaskError} */
export async function withPayload<T>(
  payloads: Payloads,
  request: TaskRequest,
  client: string,
  run: (small: TaskRequest) => Promise<T>,
): Promise<T> {
  const taskId = request.taskId ?? newId();
  const input = inputBytes(request.input);
  const payload = await payloads.put(client, input).catch((cause: unknown) => {
    throw cause instanceof PayloadError ? payloadFailure(cause, taskId, cause) : cause;
  });
  const inputTokens = request.inputTokens ?? tokensOf(request.input, input.length);
  try {
    return await run({ ...request, taskId, input: nothing, inputTokens, payload });
  } finally {
    await payloads.remove(payload);
  }
}
