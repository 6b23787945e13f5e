import type { Snapshot } from '@will/core';

export interface Snapshots {
  readonly current: Snapshot | undefined;
  /** Milliseconds since the registry last said that this is what holds. */
  ageMs(nowMs: number): number;
}
