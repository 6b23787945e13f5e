import { measures, type Observing, openSpan, type OpenSpan } from '@will/observe';
import type { Decisions } from '../decisions/decisions.ts';
import type { Demand } from '../decisions/demand.ts';
import type { Router } from '../service.ts';
import type { AttemptObserver, TasksObserver } from '../task/observer.ts';

interface Observed {
  readonly observing: Pick<Observing, 'count' | 'time'>;
  readonly demand: Demand;
  readonly nowMs: () => number;
  /** Whether some document names the task type: labels are ours, not the callers'. */
  readonly isKnownType: (taskType: string) => boolean;
}

/** Tasks and their attempts as spans and figures. Nothing of what they say or hold, only ids, slugs and ends. */
export const observedTasks = ({ observing, demand, nowMs, isKnownType }: Observed): TasksObserver => ({
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
    const unmet: string[] = [];
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
            const wasMet = end !== 'busy' && end !== 'nobody';
            if (wasMet && number > 1) observing.count(measures.fallbacks, 1, { model });
            // A task that asks again and again is one that waits, and is counted as such.
            if (wasMet || unmet.includes(model)) return;
            unmet.push(model);
            demand.unmet(model);
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
