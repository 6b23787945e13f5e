import type { Computed, FromChild, NotComputed, ToChild } from './protocol.ts';

/** A model that is loaded in this process. */
export interface Computation<Input> {
  /** Computes one call; calls may overlap. `say` gives text as it is made. An abort ends it soon, however it then ends. */
  run(input: Input, signal: AbortSignal, say: (text: string) => void): Promise<Computed | NotComputed>;
}

/**
 * The inside of a process that does nothing but compute, and holds no keys: whatever a model's file or native code does
 * to it, the worker lives on. Ends when the worker does.
 */
export function compute<Options, Input>(load: (options: Options) => Promise<Computation<Input>>): void {
  const send = (message: FromChild): void => {
    if (process.connected) process.send?.(message);
  };
  const aborts = new Map<number, AbortController>();
  let computation: Computation<Input> | undefined;

  const loadIt = async (options: Options): Promise<void> => {
    try {
      computation = await load(options);
      send({ kind: 'loaded' });
    } catch (error) {
      const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown';
      send({ kind: 'not_loaded', message: message.slice(0, 200) });
    }
  };
  const run = async (id: number, input: Input): Promise<void> => {
    const abort = new AbortController();
    aborts.set(id, abort);
    try {
      const ended = await computation?.run(input, abort.signal, (text) => send({ kind: 'text', id, text }));
      if (!ended) send({ kind: 'error', id, reason: 'crashed' });
      else if ('reason' in ended) send({ kind: 'error', id, ...ended });
      else send({ kind: 'end', id, ...ended });
    } catch {
      // Whatever a library throws may hold some of the input.
      send({ kind: 'error', id, reason: 'crashed' });
    } finally {
      aborts.delete(id);
    }
  };

  process.on('message', (message: ToChild) => {
    if (message.kind === 'load') void loadIt(message.options as Options);
    else if (message.kind === 'run') void run(message.id, message.input as Input);
    else aborts.get(message.id)?.abort();
  });
  process.on('disconnect', () => process.exit(0));
}
