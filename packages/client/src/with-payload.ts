import { PayloadError, type Payloads } from '@will/bus';
import { newId } from '@will/contracts';
import { estimateMediaTokens } from '@will/core';
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
const encoder = new TextEncoder();

interface Parts {
  /** What stays in the task. */
  readonly input: Uint8Array;
  /** What is put away. */
  readonly content: Uint8Array;
  readonly field: string;
}

/** A recording is put away as it is, without the base64 that would be taken off again; anything else as a whole. */
function partsOf(request: TaskRequest): Parts {
  const whole = inputBytes(request.input);
  const recording = request.inputKind === 'transcription' ? recordingIn(whole) : undefined;
  return recording ?? { input: nothing, content: whole, field: '' };
}

function recordingIn(whole: Uint8Array): Parts | undefined {
  try {
    const { audio, ...rest } = JSON.parse(Buffer.from(whole).toString()) as Record<string, unknown>;
    const content = typeof audio === 'string' ? Buffer.from(audio, 'base64') : nothing;
    // What is no base64 goes as it is, for the provider to refuse.
    const isBase64 = typeof audio === 'string' && Math.ceil(content.length / 3) * 4 === audio.length;
    return !isBase64 || content.length === 0
      ? undefined
      : { input: encoder.encode(JSON.stringify(rest)), content, field: 'audio' };
  } catch {
    return undefined;
  }
}

/** The router does not read what lies in the bucket: how much images and sound in it come to is told here. */
const tokensInWhole = ({ input, inputModalities = [] }: TaskRequest, content: Uint8Array): number =>
  inputModalities.every((modality) => modality === 'text')
    ? tokensOf(input, content.length)
    : estimateMediaTokens(content, 0, inputModalities);

/** Runs a task whose input lies in the payload bucket for as long as it runs. @throws {TaskError} */
export async function withPayload<T>(
  payloads: Payloads,
  request: TaskRequest,
  client: string,
  run: (small: TaskRequest) => Promise<T>,
): Promise<T> {
  const taskId = request.taskId ?? newId();
  const { input, content, field } = partsOf(request);
  const payload = await payloads.put(client, content, field).catch((cause: unknown) => {
    throw cause instanceof PayloadError ? payloadFailure(cause, taskId, cause) : cause;
  });
  const inputTokens = Math.max(request.inputTokens ?? 0, field === '' ? tokensInWhole(request, content) : 0);
  try {
    return await run({ ...request, taskId, input, inputTokens, payload });
  } finally {
    await payloads.remove(payload);
  }
}
