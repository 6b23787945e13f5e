import type { ReplayingUpstream } from '@will/testkit';
import type { RecordLine, SeenCall } from './checker.ts';

// The upstream's log and the product's, in the checker's words.

/** Calls as the upstream saw them; a task's prompt is its id. */
export const seenCalls = ({ requests }: Pick<ReplayingUpstream, 'requests'>): SeenCall[] =>
  requests.map(({ model, atMs, overAtMs, body }) => ({
    taskId: promptIn(body),
    model,
    atMs,
    overMs: overAtMs ?? Date.now(),
  }));

function promptIn(body: Readonly<Record<string, unknown>>): string {
  const { content } = (body['messages'] as { content: string }[]).at(-1) ?? { content: '' };
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** Attempts out of `willm logs export --format jsonl`; a task that no model was called for is none. */
export const recordsIn = (exported: string): RecordLine[] =>
  exported
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string | number>)
    .filter((record) => Number(record['attempt']) > 0)
    .map((record) => ({
      attemptId: String(record['attempt_id']),
      taskId: String(record['task_id']),
      client: String(record['client']),
      model: String(record['model']),
      status: String(record['status']),
      startedMs: Date.parse(String(record['started_at'])),
    }));
