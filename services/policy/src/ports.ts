import type { Snapshot } from '@will/core';

export interface PolicySnapshots {
  readonly current: Snapshot | undefined;
  /** Milliseconds since this was last confirmed to be the newest; Infinity: never. */
  ageMs(): number;
}
