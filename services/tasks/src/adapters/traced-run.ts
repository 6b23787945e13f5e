import { TaskError } from '@will/client';
import { openSpan } from '@will/observe';

/** Runs a durable task as a span of its own, linked to the submit that came long before it. */
export async function tracedRun<T>(name: string, submittedIn: string, work: () => Promise<T>): Promise<T> {
  const span = openSpan(name, 'consumer', {}, undefined, submittedIn);
  try {
    const result = await span.run(work);
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof TaskError ? error.code : 'internal');
    throw error;
  }
}
