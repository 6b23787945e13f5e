import type { Candidate, CandidateReason, Exclusion, RankedSet } from './decision.ts';
import { exclusionOf, requirementOf, type Requirement } from './eligibility.ts';
import { modelSlugOf } from './compile-snapshot.ts';
import type { ScheduleDocument } from './documents.ts';
import type { Facts } from './facts.ts';
import { windowState } from './schedule.ts';
import type { Model, Snapshot } from './snapshot.ts';

const defaultWaitMs = 200;
/** A decision that nothing bounds is looked at again after this long. */
const longestValidMs = 60_000;

/**
 * Which models may do a task, best first, and why each other one that was asked for may not. Pure: the same snapshot,
 * facts and instant give the same answer. Order: hard filter → pins (task, reflex, project, client) → declared route,
 * or every model with the tag where there is no route → what the schedules of this hour prefer.
 */
export function decide(snapshot: Snapshot, facts: Facts, nowMs: number): RankedSet {
  const requirement = requirementOf(snapshot, facts);
  const notes = notesOf(snapshot, facts);
  const proposed = proposals(snapshot, facts, notes);
  const judged = judge(snapshot, proposed, requirement, facts, nowMs);
  const { preferred, edgeMs } = bySchedules(snapshot, facts, judged.candidates, nowMs, notes);
  return {
    revision: snapshot.revision,
    facts,
    dataClass: requirement.dataClass,
    candidates: preferred,
    exclusions: judged.exclusions,
    notes,
    scheduleEdgeMs: edgeMs,
    validUntilMs: Math.min(nowMs + longestValidMs, edgeMs ?? Number.POSITIVE_INFINITY, firstExpiryMs(snapshot, proposed, nowMs)),
    waitMs: snapshot.routes.get(facts.taskType)?.wait_ms ?? defaultWaitMs,
  };
}

interface Proposal {
  /** A slug, or the name of an unknown model. */
  readonly model: string;
  readonly why: CandidateReason;
}

/** Every model that someone asks for, in order of precedence, each once. */
function proposals(snapshot: Snapshot, facts: Facts, notes: string[]): readonly Proposal[] {
  const all = [...pins(snapshot, facts), ...declared(snapshot, facts, notes)];
  const seen = new Set<string>();
  return all.filter(({ model }) => !seen.has(model) && seen.add(model));
}

function pins(snapshot: Snapshot, facts: Facts): Proposal[] {
  const found: Proposal[] = [];
  const pin = (model: string | undefined, why: CandidateReason): void => {
    if (model !== undefined) found.push({ model: modelSlugOf(snapshot, model) ?? model, why });
  };
  const reflex = facts.reflex === undefined ? undefined : snapshot.reflexes.get(facts.reflex);
  const project = facts.project === undefined ? undefined : snapshot.projects.get(facts.project);
  pin(facts.model, 'explicit');
  pin(reflex?.preferred_model, 'reflex');
  for (const model of reflex?.fallback ?? []) pin(model, 'reflex');
  // Another client's project may restrict, but its preferences are not this client's.
  if (project && (project.client === undefined || project.client === facts.client)) pin(project.default_model, 'project');
  pin(snapshot.clients.get(facts.client)?.default_model, 'client');
  return found;
}

/** The declared route; without one every model that has the tag, most accurate first, then cheapest, then by name. */
function declared(snapshot: Snapshot, facts: Facts, notes: string[]): Proposal[] {
  const route = snapshot.routes.get(facts.taskType);
  if (route) return route.steps.map(({ step, model }) => ({ model, why: `route:${step}` as const }));
  const tagged = snapshot.modelsByTaskType.get(facts.taskType) ?? [];
  if (tagged.length > 0) notes.push(`no route for ${facts.taskType}: all models with this tag, most accurate first`);
  return tagged.map((model) => ({ model, why: 'route:tag' }));
}

function judge(
  snapshot: Snapshot,
  proposed: readonly Proposal[],
  requirement: Requirement,
  facts: Facts,
  nowMs: number,
): { candidates: readonly Candidate[]; exclusions: readonly Exclusion[] } {
  const candidates: Candidate[] = [];
  const premium: Candidate[] = [];
  const exclusions: Exclusion[] = [];
  for (const { model: slug, why } of proposed) {
    const model = snapshot.models.get(slug);
    const exclusion = model ? exclusionOf(model, requirement, facts, nowMs) : unknownModel(slug);
    if (exclusion) exclusions.push(exclusion);
    else if (model?.tier === 'premium' && requirement.premium === 'if_empty') premium.push({ model: slug, why });
    else candidates.push({ model: slug, why });
  }
  if (candidates.length === 0) return { candidates: premium, exclusions };
  const kept = premium.map(({ model }): Exclusion => ({ model, rule: 'tier', detail: 'premium is for high priority, or where nothing else is left' }));
  return { candidates, exclusions: [...exclusions, ...kept] };
}

const unknownModel = (name: string): Exclusion => ({
  model: name.slice(0, 80),
  rule: 'unknown_model',
  detail: 'no model has this slug, name or alias',
});

/** Puts first what the open windows prefer; what the task, reflex, project or client named stays before it. */
function bySchedules(
  snapshot: Snapshot,
  facts: Facts,
  candidates: readonly Candidate[],
  nowMs: number,
  notes: string[],
): { preferred: readonly Candidate[]; edgeMs: number | undefined } {
  let preferred = candidates;
  let edgeMs: number | undefined;
  const zone = snapshot.clients.get(facts.client)?.time_zone;
  for (const schedule of snapshot.schedules.values()) {
    if (schedule.prefer === undefined || !isMeant(schedule, facts)) continue;
    const state = windowState(schedule, zone ?? schedule.time_zone, nowMs);
    edgeMs = Math.min(edgeMs ?? Number.POSITIVE_INFINITY, state.edgeMs);
    if (!state.isOpen) continue;
    preferred = reorder(snapshot, preferred, schedule.prefer);
    notes.push(`schedule ${schedule.slug} is open: ${preferenceInWords(schedule.prefer)} first`);
  }
  return { preferred, edgeMs };
}

const isMeant = ({ priorities, task_types }: ScheduleDocument, { priority, taskType }: Facts): boolean =>
  (priorities === undefined || priorities.includes(priority)) && (task_types === undefined || task_types.includes(taskType));

type Preference = NonNullable<ScheduleDocument['prefer']>;

/** Lower is better; equal keeps the order that was. */
function rankOf(model: Model, preference: Preference): number {
  if (preference === 'local') return model.callMethod !== 'API' && model.isPrivate ? 0 : 1;
  // Unknown is not cheap.
  if (preference === 'cheapest') return model.price ? model.price.input + model.price.output : Number.POSITIVE_INFINITY;
  const labels = [...model.taskTypes, ...model.capabilities, ...(model.document.style?.strengths ?? [])];
  return preference.tags.some((tag) => labels.includes(tag)) ? 0 : 1;
}

function reorder(snapshot: Snapshot, candidates: readonly Candidate[], preference: Preference): readonly Candidate[] {
  const pinned = candidates.filter(({ why }) => !why.startsWith('route:'));
  const ranked = candidates
    .filter(({ why }) => why.startsWith('route:'))
    .map((candidate) => ({ candidate, rank: rankOf(snapshot.models.get(candidate.model) as Model, preference) }));
  // Infinity minus itself is no number: unknown prices are equal to each other.
  ranked.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank));
  return [...pinned, ...ranked.map(({ candidate }) => candidate)];
}

const preferenceInWords = (preference: Preference): string =>
  typeof preference === 'string' ? preference : `models with ${preference.tags.join(' or ')}`;

function notesOf(snapshot: Snapshot, facts: Facts): string[] {
  const notes: string[] = [];
  const { client, project, reflex } = facts;
  if (!snapshot.clients.has(client)) notes.push(`no document for client ${client}: the global defaults hold`);
  if (project !== undefined && !snapshot.projects.has(project)) notes.push(`no document for project ${project}`);
  if (reflex !== undefined && !snapshot.reflexes.has(reflex)) notes.push(`no document for reflex ${reflex}`);
  const owner = project === undefined ? undefined : snapshot.projects.get(project)?.client;
  if (owner !== undefined && owner !== client) notes.push(`project ${project} is of client ${owner}: its restrictions hold, its preferences do not`);
  return notes;
}

/** When the first compliance tag of a proposed model runs out. */
function firstExpiryMs(snapshot: Snapshot, proposed: readonly Proposal[], nowMs: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { model } of proposed)
    for (const { expiresAtMs } of snapshot.models.get(model)?.compliance ?? []) if (expiresAtMs > nowMs) first = Math.min(first, expiresAtMs);
  return first;
}
