import type { Mutant } from './instrument.ts';

/** Why no test notices a mutant, and none should. */
interface Reason {
  readonly file: string;
  readonly from: string;
  /** undefined: whatever stands there instead. */
  readonly to?: string;
  readonly why: string;
}

const reasons: readonly Reason[] = [];

export const reasonOf = (mutant: Mutant): string | undefined =>
  reasons.find(
    ({ file, from, to }) =>
      mutant.file.endsWith(file) && mutant.from === from && (to === undefined || to === mutant.to),
  )?.why;
