import { measures, type Observing, openSpan, type OpenSpan } from '@will/observe';
import type { Decisions } from '../decisions/decisions.ts';
import type { Demand } from '../decisions/demand.ts';
import type { Router } from '../service.ts';
import type { AttemptObserver, TaskObserver, TasksObserver } from '../task/observer.ts';

interface Observed {
  readonly observing: Pick<Observing, 'count' | 'time' | 'isMeasuring' | 'isTracing'>;
  readonly demand: Pick<Demand, 'unmet'>;
  readonly nowMs: () => number;
  /** Whether some document names the task type: labels are ours, not the callers'. */
  readonly isKnownType: (taskType: string) => boolean;
}

/** Tasks and their attempts as spans and figures. Nothing of what they say or hold, only ids, slugs and ends. */
export const observedTasks = (observed: Observed): TasksObserver =>
  observed.observing.isMeasuring || observed.observing.isTracing
    ? toldTo(observed)
    : { task: () => new DemandOfTask(observed.demand) };

/** A task of which nobody sees spans and figures: it adds to the demand, and nothing else is told. */
class DemandOfTask implements TaskObserver {
  readonly #unmet: UnmetModels;

  constructor(demand: Pick<Demand, 'unmet'>) {
    this.#unmet = new UnmetModels(demand);
  }

  run<T>(work: () => T): T {
    return work();
  }

  attempt(model: string): AttemptObserver {
    return { run: (work) => work(), ended: (end) => void this.#unmet.ended(model, end) };
  }

  decided(): void {}
  firstContent(): void {}
  ended(): void {}
}

/** Models that took no call of a task. One that asks again and again is one that waits, and is counted as such. */
class UnmetModels {
  readonly #demand: Pick<Demand, 'unmet'>;
  #models: readonly string[] = [];

  constructor(demand: Pick<Demand, 'unmet'>) {
    this.#demand = demand;
  }

  /** @returns whether a worker took it. */
  ended(model: string, end: string): boolean {
    if (end !== 'busy' && end !== 'nobody') return true;
    if (this.#models.includes(model)) return false;
    this.#models = [...this.#models, model];
    this.#demand.unmet(model);
    return false;
  }
}

const toldTo = ({ observing, demand, nowMs, isKnownType }: Observed): TasksObserver => ({
  task({ taskId, facts }) {
    const startedMs = nowMs();
    const type = isKnownType(facts.taskType) ? facts.taskType : 'other';
    const span = openSpan(`task ${type}`, 'server', {
      'will.task.id': taskId,
      'will.task.type': type,
      'will.client': facts.client,
      'will.priority': facts.priority,
    });
    const open: OpenSpan[] = [];
    const unmet = new UnmetModels(demand);
    let hasContent = false;
    return {
      run: (work) => span.run(work),
      decided: (decisionId, revision) => span.set({ 'will.decision.id': decisionId, 'will.revision': revision }),
      attempt(model, number, attemptId): AttemptObserver {
        const call = span.run(() =>
          openSpan(`attempt ${model}`, 'client', {
            'will.model': model,
            'will.attempt': number,
            'will.attempt.id': attemptId,
          }),
        );
        open.push(call);
        return {
          run: (work) => call.run(work),
          ended(end) {
            open.splice(open.indexOf(call), 1);
            call.end(end === 'Success' ? undefined : end);
            const wasMet = unmet.ended(model, end);
            if (wasMet && number > 1) observing.count(measures.fallbacks, 1, { model });
          },
        };
      },
      firstContent() {
        if (!hasContent) observing.time(measures.taskFirstContent, Math.max(0, nowMs() - startedMs) / 1_000, { type });
        hasContent = true;
      },
      ended(end) {
        // Calls that nobody follows any more have no end of their own here.
        for (const call of open) call.end('abandoned');
        observing.count(measures.tasks, 1, { type, end });
        observing.time(measures.taskDuration, Math.max(0, nowMs() - startedMs) / 1_000, { type });
        span.end(end === 'Success' ? undefined : end);
      },
    };
  },
});

interface MeasuredRouter {
  readonly router: Pick<Router, 'inFlight'>;
  readonly decisions: Pick<Decisions, 'asked'>;
  readonly demand: Pick<Demand, 'byModel'>;
}

/** Measures the demand for each model, the tasks in flight, and how often policy was asked. */
export function observeRouter(
  observing: Pick<Observing, 'watch'>,
  { router, decisions, demand }: MeasuredRouter,
): void {
  observing.watch(measures.demand, function* () {
    for (const [model, wanted] of demand.byModel()) yield [wanted, { model }] as const;
  });
  observing.watch(measures.tasksInFlight, () => [[router.inFlight]]);
  observing.watch(measures.decisionsAsked, () => [[decisions.asked]]);
}
