import { simulateLimits } from './limits-world.ts';
import { simulateCooldowns } from './cooldowns-world.ts';
import { simulateTasks } from './tasks-world.ts';

export interface World {
  /** What holds in each run, as a sentence. */
  readonly promises: string;
  /** Plays one seed. @throws {Violation} */
  simulate(seed: number): Promise<void>;
}

/** Everything that is simulated, by name. */
export const worlds: Readonly<Record<string, World>> = {
  limits: {
    promises: 'whichever process dies, freezes or is cut off, no limit is passed, and none stays short of anything',
    simulate: simulateLimits,
  },
  cooldowns: {
    promises:
      'whatever providers do and whichever process dies, cooldowns hold, trial calls are made one at a time, and each task has one end',
    simulate: simulateCooldowns,
  },
  tasks: {
    promises:
      'whichever process dies, freezes or is cut off, each accepted task comes to one end, and starts when it may',
    simulate: simulateTasks,
  },
};
