import type { Work } from '@will/bus';
import { wire } from '@will/contracts';
import { TransientMap } from '@will/core';
import type { LastWord } from '../ports.ts';
import type { Commanded } from './pending-call.ts';

/** So many ends are remembered. */
const maxEnded = 10_000;

/** Calls in flight of this process, by task and by attempt, for those who cancel and command. */
export class CallIndex {
  readonly #byAttempt = new TransientMap<Commanded>();
  /** Ends that were told, for who did not hear of them. */
  readonly #ended = new TransientMap<{ readonly client: string; readonly end: LastWord | undefined }>();
  /** Their ids, the next one in the place of the oldest: a map that loses its first key each time is slow to find it. */
  readonly #endedIds: string[] = [];
  #nextEnded = 0;

  get size(): number {
    return this.#byAttempt.size;
  }

  add(call: Commanded): void {
    this.#byAttempt.set(call.attemptId, call);
  }

  remove(call: Commanded): void {
    this.#byAttempt.delete(call.attemptId);
  }

  /** A call ended, and its router was told: once more where it asks, since a word may be lost with a connection. */
  ended({ client, attemptId }: Commanded, end: LastWord | undefined): void {
    const oldest = this.#endedIds[this.#nextEnded];
    if (oldest !== undefined) this.#ended.delete(oldest);
    this.#endedIds[this.#nextEnded] = attemptId;
    this.#nextEnded = (this.#nextEnded + 1) % maxEnded;
    this.#ended.set(attemptId, { client, end });
  }

  /** Tells every router what is still under way here. */
  sayAllAgain(): void {
    for (const call of this.#byAttempt.values()) call.sayAgain();
  }

  /** Does what a router commands of a call; of one that is not here nothing. */
  obey({
    attemptId,
    command,
    startUntilUnixMs,
  }: Pick<wire.CallControl, 'attemptId' | 'command' | 'startUntilUnixMs'>): void {
    const call = this.#byAttempt.get(attemptId);
    if (command === wire.CallCommand.COMMIT) call?.commit();
    if (command === wire.CallCommand.REVOKE) call?.revoke();
    if (command === wire.CallCommand.CANCEL) call?.cancel();
    if (command === wire.CallCommand.START) call?.start(Number(startUntilUnixMs));
  }

  /** Whether an attempt is here, or was: then its router is told again. */
  sayAgain(attemptId: string): boolean {
    const call = this.#byAttempt.get(attemptId);
    const ended = this.#ended.get(attemptId);
    (call ?? ended?.end)?.sayAgain();
    return call !== undefined || ended !== undefined;
  }

  ofTask(client: string, taskId: string): Commanded[] {
    return this.#byAttempt.values().filter((call) => call.taskId === taskId && call.client === client);
  }

  /** Whether an attempt, or a task with one, is under way here. Of one that ended the end is told again. */
  has({ client, id }: Work): boolean {
    if (this.#byAttempt.get(id)?.client === client || this.ofTask(client, id).length > 0) return true;
    const ended = this.#ended.get(id);
    if (ended?.client !== client) return false;
    ended.end?.sayAgain();
    return true;
  }
}
