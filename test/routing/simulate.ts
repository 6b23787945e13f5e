import type { Goal, ToldRecord } from '@will/core';
import { type Chooser, epochMs, type MakeChooser } from './choosers.ts';
import { clairvoyant, worthOf } from './clairvoyant.ts';
import { outagesIn, type OutageStory, type Sent } from './outages.ts';
import { Agenda } from './agenda.ts';
import { type Condition, conditionAt, forbidden, latencyOf, type Place, type Request, type Script } from './world.ts';

/** What one way to choose came to in one script. */
export interface Outcome {
  readonly requests: number;
  /** Mean of what a clairvoyant would have gained more. */
  readonly regret: number;
  /** Of requests for which some place was up. */
  readonly successRate: number;
  /** Attempts that came to nothing, of all. */
  readonly wastedRate: number;
  /** Requests that were sent elsewhere first than the one before. */
  readonly switchRate: number;
  /** Attempts at a place that may not do the task. */
  readonly violations: number;
  /** One per outage of a place that was in use. */
  readonly outages: readonly OutageStory[];
}

interface Task {
  readonly n: number;
  readonly request: Request;
  readonly best: number;
  /** Places to try, the next one first. */
  readonly left: string[];
  /** Degraded or silent: asked once more, and waited for, where all others failed. */
  readonly later: string[];
  attempts: number;
}

/** A connection that is refused, or an error that comes at once. */
const failsAfterMs = 60;
/** As workers check, by default. */
const pollIntervalMs = 5_000;
const checkTimeoutMs = 2_000;

/** Runs one script with one way to choose, event by event. */
export function simulate(script: Script, goal: Goal, make: MakeChooser): Outcome {
  return new Simulation(script, goal, make).run();
}

class Simulation {
  readonly #script: Script;
  readonly #goal: Goal;
  readonly #chooser: Chooser;
  readonly #agenda = new Agenda();
  readonly #sent: Sent[] = [];
  readonly #byName: ReadonlyMap<string, Place>;
  readonly #beingChecked = new Set<string>();
  #regret = 0;
  #counted = 0;
  #succeeded = 0;
  #wasted = 0;
  #violations = 0;

  constructor(script: Script, goal: Goal, make: MakeChooser) {
    this.#script = script;
    this.#byName = new Map(script.places.map((place) => [place.name, place]));
    this.#goal = goal;
    this.#chooser = make(script, goal);
  }

  run(): Outcome {
    for (const [n, request] of this.#script.requests.entries())
      this.#agenda.add(request.atMs, () => this.#arrives(n, request));
    for (let atMs = 0; this.#chooser.wantsHealthCheck && atMs < this.#script.lengthMs; atMs += pollIntervalMs)
      this.#agenda.add(atMs, () => this.#script.places.forEach(({ name }) => this.#checkIfDue(name, atMs)));
    this.#agenda.run();
    const firsts = this.#sent.filter(({ isFirst }) => isFirst);
    const switches = firsts.filter(({ place }, n) => n > 0 && firsts[n - 1]?.place !== place).length;
    return {
      requests: this.#counted,
      regret: this.#regret / this.#counted,
      successRate: this.#succeeded / this.#counted,
      wastedRate: this.#wasted / this.#sent.length,
      switchRate: switches / this.#counted,
      violations: this.#violations,
      outages: outagesIn(this.#script, this.#goal, this.#sent),
    };
  }

  /** One health check of a place at a time. One that is down refuses at once; one that hangs does not answer in time. */
  #checkIfDue(place: string, atMs: number): void {
    if (this.#beingChecked.has(place) || !this.#chooser.wantsHealthCheck?.(place, atMs)) return;
    this.#beingChecked.add(place);
    const { hangs, failureRate } = conditionAt(this.#script, place, atMs);
    const tookMs = hangs ? checkTimeoutMs : failsAfterMs;
    this.#agenda.add(atMs + tookMs, () => {
      this.#beingChecked.delete(place);
      this.#chooser.checked?.(place, !hangs && failureRate < 1, atMs + tookMs);
    });
  }

  #arrives(n: number, request: Request): void {
    const best = clairvoyant(this.#script, this.#goal, request);
    if (best === undefined) return;
    this.#counted += 1;
    const left = [...this.#chooser.order(request.atMs, request.inputTokens, n)];
    this.#next({ n, request, best, left, later: [], attempts: 0 }, request.atMs);
  }

  #next(task: Task, atMs: number): void {
    for (let place = task.left.shift(); place !== undefined; place = task.left.shift()) {
      const another = task.left.length > 0;
      if (!another || this.#chooser.maySend(place, atMs)) return this.#send(task, place, atMs, another);
      task.later.push(place);
    }
    const again = task.later.shift();
    if (again !== undefined) return this.#send(task, again, atMs, false);
    this.#regret += task.best + 1;
  }

  #send(task: Task, name: string, atMs: number, another: boolean): void {
    const { n, request } = task;
    const place = this.#byName.get(name) as Place;
    const condition = conditionAt(this.#script, name, atMs);
    const { firstMs, perTokenMs, draw } = latencyOf(this.#script, place, n);
    const [slowFirstMs, wholeMs] = [
      firstMs * condition.slowness,
      (firstMs + perTokenMs * request.outputTokens) * condition.slowness,
    ];
    const timeoutMs = this.#chooser.timeoutMs(name, request.inputTokens, another);
    const fails = draw < condition.failureRate;
    const isSilent = condition.hangs || (!fails && slowFirstMs > timeoutMs);
    const tookMs = isSilent ? timeoutMs : fails ? failsAfterMs : wholeMs;
    const succeeded = !isSilent && !fails;
    const id = `${n}-${task.attempts}`;
    if (name === forbidden) this.#violations += 1;
    const isTrial = this.#chooser.sent(name, id, atMs, another ? timeoutMs : 0);
    this.#sent.push({ place: name, atMs, isFirst: task.attempts === 0, isTrial, succeeded });
    task.attempts += 1;
    if (succeeded) this.#agenda.add(atMs + slowFirstMs, () => this.#chooser.heard(name, id, atMs + slowFirstMs));
    else this.#wasted += 1;
    const record: ToldRecord = {
      attemptId: id,
      attempt: task.attempts,
      model: name,
      modelVersion: undefined,
      taskType: 'chat',
      startedAtMs: epochMs + atMs,
      durationMs: tookMs,
      firstContentMs: succeeded ? slowFirstMs : undefined,
      outcome: succeeded ? 'Success' : isSilent ? 'Timeout' : 'Blocked',
      status: succeeded ? 'Success' : isSilent ? 'Stalled' : 'ProviderError',
      usage: succeeded
        ? {
            inputTokens: request.inputTokens,
            outputTokens: request.outputTokens,
            cachedInputTokens: 0,
            reasoningTokens: 0,
            estimated: false,
          }
        : undefined,
      streamed: true,
    };
    this.#agenda.add(atMs + tookMs, () => {
      this.#chooser.ended(record);
      this.#checkIfDue(name, atMs + tookMs);
      if (succeeded) return this.#done(task, place, atMs + tookMs, condition);
      if (isSilent && another) task.later.push(name);
      this.#next(task, atMs + tookMs);
    });
  }

  #done({ request, best, n }: Task, place: Place, endMs: number, condition: Condition): void {
    this.#succeeded += 1;
    this.#regret += best - worthOf(this.#goal, place, endMs - request.atMs, condition, request);
    if (n % this.#script.scoredOneIn === 0)
      this.#chooser.score(place.name, (place.quality * condition.goodness) / 10, endMs);
  }
}
