import { select, sessionAfterCall, type RankedSet, type SessionBasis } from '@will/core';
import type { Choice } from '../ports.ts';
import type { TaskContext } from './task-context.ts';

/** Selects the order of candidates by what is live now, with all that the selection was made of. */
export function choose(context: TaskContext, set: RankedSet): Choice {
  const { workers, cooldowns, nowMs, newSeed } = context.deps;
  const live = { unserved: workers.unserved(), coolingUntilMs: cooldowns.untilMs };
  const seed = newSeed();
  const atMs = Math.round(nowMs());
  const session = sessionBasis(context, set, atMs);
  return { selection: select(set, live, { seed, nowMs: atMs, session }), live, seed, atMs, session };
}

function sessionBasis({ deps, task }: TaskContext, set: RankedSet, atMs: number): SessionBasis | undefined {
  const { sessions, decisions } = deps;
  if (task.session === undefined || !sessions) return undefined;
  return decisions.sessionOf(set, sessions.of(task.session), task.inputTokens, atMs);
}

/** The model that answered holds the conversation from now on, at this worker. */
export function keepSession({ deps, task }: TaskContext, model: string, workerId: string): void {
  const { sessions, nowMs } = deps;
  const { session, inputTokens } = task;
  if (session === undefined || !sessions) return;
  sessions.keep(session, sessionAfterCall(sessions.of(session), model, inputTokens, Math.round(nowMs()), workerId));
}

/** The worker whose cache holds the conversation; undefined: any will do. */
export function holderOf({ deps, task }: TaskContext, model: string): string | undefined {
  const { sessions, decisions } = deps;
  if (task.session === undefined || !sessions || !decisions.isLocal(model)) return undefined;
  return sessions.of(task.session)?.prefixes.find((prefix) => prefix.model === model)?.workerId;
}
