/**
 * A callback whose failure is its own: what it throws, or what its promise rejects with, is reported, and the timer,
 * emitter or process that called it goes on. For work that nobody awaits.
 */
export const contain =
  <A extends readonly unknown[]>(work: (...words: A) => unknown, report: (error: unknown) => void) =>
  (...words: A): void => {
    try {
      const done = work(...words);
      if (done instanceof Promise) done.catch(report);
    } catch (error) {
      report(error);
    }
  };
