import { duration } from './table.ts';
import type { Terminal } from './terminal.ts';

const everyMs = 1_000;

/** Says on stderr, where somebody looks, what is under way and for how long, from its second second on. */
export async function working<T>(terminal: Terminal, what: string, body: () => Promise<T>): Promise<T> {
  const beganMs = performance.now();
  const timer = setInterval(() => terminal.progress(`${what}: ${duration(performance.now() - beganMs)}`), everyMs);
  try {
    return await body();
  } finally {
    clearInterval(timer);
    terminal.progress('');
  }
}
