import type { System } from '../support/system.ts';
import { type Measured, measure } from './measure.ts';

/** How fast durable tasks are taken, and how long one takes from its submit to its result, by the bus. */
export interface DurableMeasured {
  /** Until the task is stored and in the queue. */
  readonly submit: Measured;
  /** With nothing else to do: one such caller, and as many as are stated. */
  readonly toResultAlone: Measured;
  readonly toResult: Measured;
}

/** Starts a tasks service of its own, so that it takes nothing from what was measured before. */
export async function measureDurable(
  system: System,
  input: string,
  { concurrency, seconds }: { readonly concurrency: number; readonly seconds: number },
): Promise<DurableMeasured> {
  const service = await system.add('tasks');
  const pids = { tasks: service.pid };
  const { client } = system;
  const submit = () => client.submit({ type: 'text_gen', input, priority: 'high' });
  const submitToResult = async (): Promise<void> => {
    const { taskId } = await submit();
    await client.result(taskId, { timeoutMs: 60_000 });
  };
  const toResultAlone = await measure(submitToResult, { concurrency: 1, seconds, warmupCalls: 20, pids });
  const toResult = await measure(submitToResult, { concurrency, seconds, warmupCalls: 20, pids });
  const taskIds: string[] = [];
  const submitted = await measure(async () => taskIds.push((await submit()).taskId), {
    concurrency,
    seconds,
    warmupCalls: 0,
    pids,
  });
  // What was accepted is done, too: otherwise the figure would be of something else.
  for (const taskId of taskIds) await client.result(taskId, { timeoutMs: 120_000 });
  return { submit: submitted, toResultAlone, toResult };
}
