import type { Bus, FindKey, ProcessesView } from '@will/bus';
import type { TaskClient } from '@will/client';
import type { Snapshot } from '@will/core';
import type { LiveCalls } from './live/live-calls.ts';

/** Parts of the product that the console needs. */
export interface ConsoleBackends {
  /** Questions go over it. */
  readonly bus: Bus;
  readonly tasks: TaskClient;
  readonly processes: Pick<ProcessesView, 'processes' | 'silent'>;
  /** Undefined while no documents are published. */
  readonly snapshot: Snapshot | undefined;
  readonly live: LiveCalls;
  readonly findKey: FindKey;
  readonly nowMs: () => number;
}
