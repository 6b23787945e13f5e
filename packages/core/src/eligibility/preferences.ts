import type { Candidate } from '../routing/decision.ts';
import type { ScheduleDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { isPin } from './proposals.ts';
import { windowState } from '../snapshot/schedule.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';

/** Candidates as the open windows want them. */
export interface Preferred {
  readonly candidates: readonly Candidate[];
  /** When the first of the windows that matter opens or closes; undefined: none matters. */
  readonly edgeMs: number | undefined;
  /** What was preferred, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts first what the open windows prefer, and keeps the declared order among equals. What task, reflex, project or
 * client name stays before it. Where several windows are open, the one with the first slug weighs most.
 */
export function preferBySchedules(
  snapshot: Snapshot,
  facts: Facts,
  candidates: readonly Candidate[],
  nowMs: number,
): Preferred {
  const zone = snapshot.clients.get(facts.client)?.time_zone;
  const notes: string[] = [];
  let ordered = candidates;
  let edgeMs: number | undefined;
  for (const schedule of schedulesFor(snapshot, facts)) {
    const state = windowState(schedule, zone ?? schedule.time_zone, nowMs);
    edgeMs = Math.min(edgeMs ?? Number.POSITIVE_INFINITY, state.edgeMs);
    if (!state.isOpen || schedule.prefer === undefined) continue;
    ordered = reorder(snapshot, ordered, schedule.prefer);
    notes.unshift(`schedule ${schedule.slug} is open: ${inWords(schedule.prefer)} first`);
  }
  return { candidates: ordered, edgeMs, notes };
}

/**
 * Puts premium models first where priority is high, and keeps the order among equals. A model that the task names stays
 * before them.
 */
export function preferPremium(
  { models }: Snapshot,
  { priority }: Facts,
  candidates: readonly Candidate[],
): Pick<Preferred, 'candidates' | 'notes'> {
  if (priority !== 'high') return { candidates, notes: [] };
  const rankOf = ({ model, why }: Candidate): number =>
    why === 'explicit' ? 0 : models.get(model)?.tier === 'premium' ? 1 : 2;
  const ordered = candidates.toSorted((a, b) => rankOf(a) - rankOf(b));
  const isPreferred = candidates.some((candidate) => rankOf(candidate) === 1);
  return { candidates: ordered, notes: isPreferred ? ['high priority: premium models first'] : [] };
}

/** The schedules that prefer something for such a task, last slug first: the sort that comes last weighs most. */
function schedulesFor({ schedules }: Snapshot, { taskType, priority }: Facts): readonly ScheduleDocument[] {
  const index = indexes.get(schedules) ?? indexSchedules(schedules);
  indexes.set(schedules, index);
  const key = `${priority} ${taskType}`;
  return index.byTask.get(key) ?? index.byPriority.get(priority) ?? [];
}

interface ScheduleIndex {
  /** For priority and task type, with those that are for all types. */
  readonly byTask: Map<string, ScheduleDocument[]>;
  /** Those that are for all types. */
  readonly byPriority: Map<string, ScheduleDocument[]>;
}

/** A memory of what follows from the documents alone, so that ten thousand schedules cost no more than the one that matters. */
const indexes = new WeakMap<Snapshot['schedules'], ScheduleIndex>();
const priorities = ['background', 'normal', 'high'] as const;

function indexSchedules(schedules: Snapshot['schedules']): ScheduleIndex {
  const preferring = lastSlugFirst([...schedules.values()].filter(({ prefer }) => prefer !== undefined));
  const index: ScheduleIndex = { byTask: new Map(), byPriority: new Map() };
  for (const priority of priorities) {
    const meant = preferring.filter((schedule) => schedule.priorities?.includes(priority) ?? true);
    const general = meant.filter(({ task_types }) => task_types === undefined);
    index.byPriority.set(priority, general);
    const special = meant.flatMap((schedule) => [...new Set(schedule.task_types)].map((type) => ({ type, schedule })));
    for (const [type, found] of Map.groupBy(special, (pair) => pair.type))
      index.byTask.set(`${priority} ${type}`, lastSlugFirst([...found.map(({ schedule }) => schedule), ...general]));
  }
  return index;
}

const lastSlugFirst = (schedules: ScheduleDocument[]): ScheduleDocument[] =>
  schedules.sort((a, b) => (a.slug < b.slug ? 1 : -1));

type Preference = NonNullable<ScheduleDocument['prefer']>;

function reorder(snapshot: Snapshot, candidates: readonly Candidate[], preference: Preference): readonly Candidate[] {
  const ranked = candidates.map((candidate) => {
    const model = snapshot.models.get(candidate.model);
    return { candidate, rank: isPin(candidate) || !model ? Number.NEGATIVE_INFINITY : rankOf(model, preference) };
  });
  // Infinity minus itself is no number: such models are equal.
  return ranked.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ candidate }) => candidate);
}

/** Lower is better. */
function rankOf(model: Model, preference: Preference): number {
  if (preference === 'local') return model.callMethod !== 'API' && model.isPrivate ? 0 : 1;
  // Unknown is not cheap.
  if (preference === 'cheapest') return model.price ? model.price.input + model.price.output : Number.POSITIVE_INFINITY;
  const strengths = model.document.style?.strengths ?? [];
  const has = (tag: string): boolean =>
    model.taskTypes.has(tag) || model.capabilities.has(tag) || strengths.includes(tag);
  return preference.tags.some(has) ? 0 : 1;
}

const inWords = (preference: Preference): string =>
  typeof preference === 'string' ? `${preference} models` : `models with ${preference.tags.join(' or ')}`;
