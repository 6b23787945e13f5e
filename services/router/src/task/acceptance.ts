import { contained } from '@will/runtime';
import { create, wire } from '@will/contracts';
import type { TaskContext } from './task-context.ts';

/** Its caller hears so late that the task is here, unless it hears of the answer before: that says so as well. */
const acceptAfterMs = 20;

/** Tells the caller that the router has the task, unless the answer says so before. */
export class Acceptance {
  readonly #context: TaskContext;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: TaskContext) {
    this.#context = context;
    // What the answer does not tell goes ahead of it.
    if (context.task.notices.length > 0) this.#say();
    else
      this.#timer = setTimeout(
        contained(() => this.#say()),
        acceptAfterMs,
      );
  }

  /** The caller knows it, or the task is over. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #say(): void {
    const { deps, task } = this.#context;
    const value = create(wire.AcceptedSchema, { routerId: deps.routerId, notices: [...task.notices] });
    this.#context.toCaller({ case: 'accepted', value });
  }
}
