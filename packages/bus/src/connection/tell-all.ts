import type { Bus } from '../api.ts';

/** Calls every listener. What one throws is reported, and the others hear of it all the same. */
export function tellAll<T extends readonly unknown[]>(
  bus: Pick<Bus, 'report'>,
  what: string,
  listeners: Iterable<(...words: T) => void>,
  ...words: T
): void {
  for (const listener of listeners) {
    try {
      listener(...words);
    } catch (error) {
      bus.report(what, error);
    }
  }
}
