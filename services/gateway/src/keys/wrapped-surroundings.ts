import type { TaskClient } from '@will/client';
import type { CallerPayloads, Questions, Surroundings } from '../ports.ts';

/** What stands between a route and the parts that do something in a caller's name. */
export interface Wrappers {
  client(client: TaskClient): TaskClient;
  questions(questions: Questions): Questions;
  /** Called at each use: it may depend on whose request it is. */
  payloads(payloads: CallerPayloads): CallerPayloads;
}

/** Surroundings whose acting parts are wrapped, once for each that the bus gives; the others are those below. */
export class WrappedSurroundings implements Surroundings {
  readonly #open: Surroundings;
  readonly #wrappers: Wrappers;
  #client: readonly [TaskClient, TaskClient] | undefined;
  #questions: readonly [Questions, Questions] | undefined;

  constructor(open: Surroundings, wrappers: Wrappers) {
    this.#open = open;
    this.#wrappers = wrappers;
  }
  get client(): TaskClient | undefined {
    const { client } = this.#open;
    if (!client) return undefined;
    if (this.#client?.[0] !== client) this.#client = [client, this.#wrappers.client(client)];
    return this.#client[1];
  }
  get questions(): Questions | undefined {
    const { questions } = this.#open;
    if (!questions) return undefined;
    if (this.#questions?.[0] !== questions) this.#questions = [questions, this.#wrappers.questions(questions)];
    return this.#questions[1];
  }
  get payloads(): CallerPayloads | undefined {
    const { payloads } = this.#open;
    return payloads && this.#wrappers.payloads(payloads);
  }
  get snapshot(): Surroundings['snapshot'] {
    return this.#open.snapshot;
  }
  get fleet(): Surroundings['fleet'] {
    return this.#open.fleet;
  }
  get isBusConnected(): boolean {
    return this.#open.isBusConnected;
  }
  get keys(): Surroundings['keys'] {
    return this.#open.keys;
  }
}
