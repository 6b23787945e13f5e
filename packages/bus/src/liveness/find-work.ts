import { create, fromBinary, subjects, toBinary, wire } from '@will/contracts';
import { BusError, type Bus } from '../api.ts';
import { answerWithinMs, askAgainMs, goneAfterAnswers, reconnectMs, type Work } from './liveness.ts';

// Evidence of death, not silence: docs/decisions/0011-evidence-of-death.md.

/** The place of work: at a router, lost with one that is dead, or nobody can tell. */
export type Whereabouts = { readonly routerId: string } | 'lost' | 'unknown';

/** What one question was answered with. */
type Word = 'here' | 'gone' | 'absent' | 'silent';

/** What several questions in a row told of a process. */
class Suspect {
  #goneAnswers = 0;
  #absence: { readonly sinceMs: number; answers: number } | undefined;

  heard(word: Word, askedAtMs: number): void {
    this.#goneAnswers = word === 'gone' ? this.#goneAnswers + 1 : 0;
    if (word === 'absent') this.#absence = { sinceMs: this.#absence?.sinceMs ?? askedAtMs, answers: this.#answers + 1 };
    else this.#absence = undefined;
  }

  get #answers(): number {
    return this.#absence?.answers ?? 0;
  }

  get hasNothing(): boolean {
    return this.#goneAnswers >= goneAfterAnswers;
  }

  /** Nobody listened on its subject, twice, for longer than a living process needs to reconnect. */
  isDead(nowMs: number): boolean {
    return this.#absence !== undefined && this.#answers >= 2 && nowMs - this.#absence.sinceMs >= reconnectMs;
  }
}

/**
 * Looks for a task that some router took, which may have died before it said so. Each router that lived lately is asked,
 * until one has the task, or all others say that they do not and one is dead; where there is no router at all that is
 * dead too. A router that does not answer is busy: as long as it may have the task nobody can tell. Never rejects.
 *
 * @param isWanted asked before each round; false ends the search as `unknown`.
 */
export async function findWork(
  bus: Bus,
  work: Work,
  isWanted: () => boolean,
  nowMs: () => number = () => performance.now(),
): Promise<Whereabouts> {
  const suspects = new Map<string, Suspect>();
  const everyRouter = new Suspect();
  while (isWanted() && bus.isConnected) {
    if (suspects.size === 0) {
      const askedAtMs = nowMs();
      const routers = await routersOf(bus, work);
      everyRouter.heard(typeof routers === 'string' ? routers : 'here', askedAtMs);
      if (typeof routers !== 'string') for (const id of routers) suspects.set(id, new Suspect());
      if (everyRouter.isDead(nowMs())) return 'lost';
    }
    const words = await Promise.all([...suspects].map(([id, suspect]) => askSuspect(bus, id, suspect, work, nowMs)));
    const owner = words.find(({ word }) => word === 'here');
    if (owner) return { routerId: owner.id };
    const open = [...suspects.values()].filter((suspect) => !suspect.hasNothing && !suspect.isDead(nowMs()));
    if (suspects.size > 0 && open.length === 0)
      return [...suspects.values()].some((suspect) => suspect.isDead(nowMs())) ? 'lost' : 'unknown';
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
  return 'unknown';
}

/** The process that has work. `nobody`: all answered, and none has it. `unknown`: one did not answer, and may have it. */
export type Holder = { readonly processId: string; readonly id: string } | 'nobody' | 'unknown';

/** Asks processes at once which of them has some of this work of a client, or had it. Never rejects. */
export async function whoHas(
  bus: Bus,
  processIds: Iterable<string>,
  client: string,
  ids: readonly string[],
): Promise<Holder> {
  const answers = await Promise.all(
    [...processIds].map(async (processId): Promise<Holder> => {
      const answer = await ask(bus, subjects.inFlight(processId, client), ids);
      if (typeof answer === 'string') return 'unknown';
      const id = ids.find((one) => !answer.gone.includes(one));
      return id === undefined ? 'nobody' : { processId, id };
    }),
  );
  const holder = answers.find((one) => typeof one !== 'string');
  return holder ?? (answers.includes('unknown') ? 'unknown' : 'nobody');
}

async function askSuspect(
  bus: Bus,
  id: string,
  suspect: Suspect,
  work: Work,
  nowMs: () => number,
): Promise<{ readonly id: string; readonly word: Word }> {
  const askedAtMs = nowMs();
  const answer = await ask(bus, subjects.inFlight(id, work.client), [work.id]);
  const word = typeof answer === 'string' ? answer : answer.gone.includes(work.id) ? 'gone' : 'here';
  suspect.heard(word, askedAtMs);
  return { id, word };
}

async function routersOf(bus: Bus, work: Work): Promise<readonly string[] | 'absent' | 'silent'> {
  const answer = await ask(bus, subjects.inFlightAtRouters(work.client), [work.id]);
  return typeof answer === 'string' ? answer : answer.routers;
}

async function ask(
  bus: Bus,
  subject: string,
  ids: readonly string[],
): Promise<wire.InFlightResponse | 'absent' | 'silent'> {
  const request = toBinary(wire.InFlightRequestSchema, create(wire.InFlightRequestSchema, { ids: [...ids] }));
  try {
    return fromBinary(wire.InFlightResponseSchema, await bus.request(subject, request, answerWithinMs));
  } catch (error) {
    return error instanceof BusError && error.code === 'no_responders' ? 'absent' : 'silent';
  }
}
