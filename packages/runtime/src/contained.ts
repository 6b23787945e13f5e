import { contain } from '@will/core';

type Report = (error: unknown) => void;

/** Without a reporter the failure ends the process, as it would without {@link contained}: nothing must be lost in silence. */
const rethrow: Report = (error) => {
  queueMicrotask(() => {
    throw error;
  });
};
let report: Report = rethrow;

/** Says who is told of failures of callbacks; {@link runService} does so for every service. Returns how to undo it. */
export function reportStrays(to: Report): () => void {
  report = to;
  return () => {
    report = rethrow;
  };
}

/**
 * A callback of a timer or an emitter whose failure is its own: it is reported, and neither the process nor other work
 * ends. `fails` ends what the callback belongs to, where something waits for it.
 */
export const contained = <A extends readonly unknown[]>(
  work: (...words: A) => unknown,
  fails?: Report,
): ((...words: A) => void) => contain(work, fails ? reportedAnd(fails) : reported);

/** To the reporter of that moment. */
const reported: Report = (error) => report(error);

const reportedAnd =
  (fails: Report): Report =>
  (error) => {
    report(error);
    contain(fails, report)(error);
  };
