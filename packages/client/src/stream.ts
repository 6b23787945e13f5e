import type { StreamPart, TaskClient, TaskError, TaskRequest } from './api.ts';

/** A task's parts as an async iterable. Leaving the loop early cancels the task. @throws {TaskError} */
export async function* streamOf(
  client: Pick<TaskClient, 'start'>,
  request: TaskRequest,
): AsyncGenerator<StreamPart, void, undefined> {
  const parts: StreamPart[] = [];
  let wake = (): void => {};
  let failure: TaskError | undefined;
  let isDone = false;
  const abort = new AbortController();
  const { signal } = abort;
  const cancel = (): void => abort.abort();
  if (request.signal?.aborted) cancel();
  request.signal?.addEventListener('abort', cancel);
  void client
    .start({ ...request, signal }, true, (part) => {
      parts.push(part);
      wake();
    })
    .catch((error: TaskError) => {
      failure = error;
    })
    .finally(() => {
      request.signal?.removeEventListener('abort', cancel);
      isDone = true;
      wake();
    });
  try {
    while (true) {
      yield* parts.splice(0);
      if (parts.length > 0) continue;
      if (failure !== undefined) throw failure;
      if (isDone) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    // The one that leaves the loop early wants no more of it.
    if (!isDone) abort.abort();
  }
}
