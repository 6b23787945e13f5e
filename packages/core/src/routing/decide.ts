import type { Candidate, Exclusion, RankedSet } from './decision.ts';
import { exclusionOf, isoDate, requirementOf, type Requirement } from '../eligibility/eligibility.ts';
import type { Facts } from '../domain/facts.ts';
import { byBenchmark, type Measures, orderByGoal } from '../ranking/goal-order.ts';
import { identityProblem } from '../domain/identity.ts';
import { insistsOnModel, unknownModel } from '../domain/named-model.ts';
import { preferBySchedules, preferPremium } from '../eligibility/preferences.ts';
import { explicitModelOf, isPin, proposalsOf, type Proposal } from '../eligibility/proposals.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { withFirstContentTimeouts } from '../ranking/with-first-content-timeouts.ts';

const defaultWaitMs = 200;
/** A decision that nothing bounds is looked at again after this long. */
const maxValidMs = 60_000;
/** Statistics move: an order that was made of them is looked at again sooner. */
const maxRankedMs = 5_000;
/** Where no route is declared, so many models are enough. */
const maxWithoutRoute = 32;
/** So many exclusions are told one by one: ten thousand models must not make an answer that the bus cannot carry. */
const maxTold = 1_000;
/** So many deprecated models are told of. */
const maxDeprecated = 10;
/** How many models that nobody asked for are named in a decision without candidates. */
const maxNotConsidered = 100;

/**
 * Decides which models may do a task, best first, and why each other one that was asked for may not. Pure: the same
 * snapshot, facts, instant and measures give the same answer. Order: hard filter → pins (task, reflex, project,
 * client) → declared route, or every model with the tag where there is no route → the goal, where `mode` asks for it →
 * what the open windows prefer → premium models, where priority is high. Where none may, the models that nobody asked
 * for are named too, each with its rule. A task that insists on a model that it may not have gets no candidate but a
 * rejection.
 */
export function decide(snapshot: Snapshot, facts: Facts, nowMs: number, measures: Measures = byBenchmark): RankedSet {
  const requirement = requirementOf(snapshot, facts);
  const checked = rejected(checkProposals(snapshot, requirement, facts, nowMs), snapshot, facts);
  const { candidates: byGoal, ranking } = orderByGoal(snapshot, facts, checked.candidates, nowMs, measures);
  const { candidates: bySchedule, edgeMs, notes } = preferBySchedules(snapshot, facts, byGoal, nowMs);
  const { candidates: ordered, notes: premium } = preferPremium(snapshot, facts, bySchedule);
  const candidates = withFirstContentTimeouts(snapshot, facts, ordered, measures, nowMs);
  const notConsidered =
    candidates.length > 0 || checked.rejection
      ? noneNotConsidered
      : notConsideredOf(snapshot, requirement, facts, nowMs, checked.considered, maxNotConsidered);
  return {
    revision: snapshot.revision,
    facts,
    dataClass: requirement.dataClass,
    candidates,
    exclusions: [...checked.exclusions, ...notConsidered.exclusions],
    ...(checked.rejection && { rejection: checked.rejection }),
    notes: [
      ...notesOn(snapshot, facts),
      ...checked.notes,
      ...notes,
      ...premium,
      ...deprecationsOf(snapshot, candidates, nowMs),
      ...notConsidered.notes,
    ],
    scheduleEdgeMs: edgeMs,
    validUntilMs: Math.min(
      nowMs + (ranking ? maxRankedMs : maxValidMs),
      edgeMs ?? Number.POSITIVE_INFINITY,
      checked.modelsChangeMs,
    ),
    decidedAtMs: nowMs,
    waitMs: snapshot.routes.get(facts.taskType)?.wait_ms ?? defaultWaitMs,
    ...(ranking && { ranking }),
  };
}

interface CheckedProposals {
  readonly candidates: readonly Candidate[];
  readonly exclusions: readonly Exclusion[];
  readonly considered: ReadonlySet<string>;
  /** Pins that were dropped, in words. */
  readonly notes: readonly string[];
  /** When the first compliance tag of a model among them runs out, or the first of them retires. */
  readonly modelsChangeMs: number;
  readonly rejection?: Exclusion | undefined;
}

function checkProposals(snapshot: Snapshot, requirement: Requirement, facts: Facts, nowMs: number): CheckedProposals {
  const standard: Candidate[] = [];
  const premium: Candidate[] = [];
  const exclusions: Exclusion[] = [];
  const considered = new Set<string>();
  const notes: string[] = [];
  let modelsChangeMs = Number.POSITIVE_INFINITY;
  let untold = 0;
  for (const proposal of proposalsOf(snapshot, facts)) {
    if (proposal.why === 'route:tag' && standard.length >= maxWithoutRoute) break;
    const model = snapshot.models.get(proposal.model);
    considered.add(proposal.model);
    if (model) modelsChangeMs = Math.min(modelsChangeMs, firstChangeMs(model, nowMs));
    const exclusion = model ? exclusionOf(model, requirement, facts, nowMs) : unknownModel(proposal.model);
    if (exclusion) {
      if (exclusions.length < maxTold) exclusions.push(exclusion);
      else untold += 1;
      if (isPin(proposal)) notes.push(droppedPin(proposal, exclusion));
    } else if (model?.tier === 'premium' && requirement.premium === 'if_empty') premium.push(proposal);
    else standard.push(proposal);
  }
  if (untold > 0) notes.push(`${untold} more models may not do it`);
  if (standard.length > 0) exclusions.push(...premium.map(keptForEmpty));
  return { candidates: standard.length > 0 ? standard : premium, exclusions, considered, notes, modelsChangeMs };
}

/** Without candidates where the task insists on a model that it may not have. */
function rejected(checked: CheckedProposals, snapshot: Snapshot, facts: Facts): CheckedProposals {
  const wished = insistsOnModel(snapshot, facts) ? explicitModelOf(snapshot, facts) : undefined;
  const rejection = wished && checked.exclusions.find(({ model }) => model === wished);
  if (!rejection) return checked;
  return {
    ...checked,
    candidates: [],
    exclusions: [...checked.exclusions, ...checked.candidates.map(notNamed)],
    notes: [],
    rejection,
  };
}

/** When time alone next changes what a model may do. */
function firstChangeMs({ compliance, retiredAtMs }: Model, nowMs: number): number {
  let firstMs = retiredAtMs > nowMs ? retiredAtMs : Number.POSITIVE_INFINITY;
  for (const { expiresAtMs } of compliance ?? [])
    if (expiresAtMs > nowMs && expiresAtMs < firstMs) firstMs = expiresAtMs;
  return firstMs;
}

const notNamed = ({ model }: Candidate): Exclusion => ({
  model,
  rule: 'not_named',
  detail: 'it may do the task, but the task names another model',
});
const keptForEmpty = ({ model }: Candidate): Exclusion => ({
  model,
  rule: 'tier',
  detail: 'a premium model needs high_priority: true, or that nothing else of the route is left',
});
const droppedPin = ({ model, why }: Proposal, { rule }: Exclusion): string =>
  `${model}, asked for by ${why === 'explicit' ? 'the task' : `the ${why}`}, may not do it: ${rule}`;

interface NotConsidered {
  readonly exclusions: readonly Exclusion[];
  readonly notes: readonly string[];
}
const noneNotConsidered: NotConsidered = { exclusions: [], notes: [] };

/** Models that nobody asked for, those with the tag first, each with the rule that leaves it out. */
export function notConsideredOf(
  snapshot: Snapshot,
  requirement: Requirement,
  facts: Facts,
  nowMs: number,
  considered: ReadonlySet<string>,
  most: number,
): NotConsidered {
  const exclusions: Exclusion[] = [];
  const named = new Set(considered);
  for (const slugs of [snapshot.modelsByTaskType.get(facts.taskType) ?? [], snapshot.models.keys()]) {
    for (const slug of slugs) {
      if (exclusions.length >= most) break;
      const model = snapshot.models.get(slug);
      if (!model || named.has(slug)) continue;
      named.add(slug);
      exclusions.push(exclusionOf(model, requirement, facts, nowMs) ?? notInRoute(slug));
    }
  }
  const unnamed = [...considered].filter((slug) => !snapshot.models.has(slug)).length;
  const left = snapshot.models.size - (named.size - unnamed);
  return { exclusions, notes: left > 0 ? [`${left} more models are not named here`] : [] };
}

const notInRoute = (model: string): Exclusion => ({
  model,
  rule: 'not_in_route',
  detail: 'it may do the task, but no step of the route and no preference names it',
});

/** Which candidates should no longer be chosen, in words. */
function deprecationsOf({ models }: Snapshot, candidates: readonly Candidate[], nowMs: number): readonly string[] {
  const notes: string[] = [];
  for (const { model: slug } of candidates) {
    const model = models.get(slug);
    if (!model || model.deprecatedAtMs > nowMs) continue;
    if (notes.length === maxDeprecated) return [...notes, 'more candidates are deprecated'];
    notes.push(`${slug} ${deprecationOf(model)}`);
  }
  return notes;
}

/** `is deprecated since 2026-01-01 and retires on 2026-06-01; gpt-5 replaces it`. */
export function deprecationOf({ deprecatedAtMs, retiredAtMs, replacedBy }: Model): string {
  const end = Number.isFinite(retiredAtMs) ? ` and retires on ${isoDate(retiredAtMs)}` : '';
  return `is deprecated since ${isoDate(deprecatedAtMs)}${end}${replacedBy === undefined ? '' : `; ${replacedBy} replaces it`}`;
}

/** What is odd about the facts, in words. */
function notesOn(snapshot: Snapshot, facts: Facts): readonly string[] {
  const { reflex, taskType } = facts;
  const notes: string[] = [];
  const problem = identityProblem(snapshot, facts);
  if (problem) notes.push(problem.detail);
  if (reflex !== undefined && !snapshot.reflexes.has(reflex)) notes.push(`no document for reflex ${reflex}`);
  if (!snapshot.routes.has(taskType)) notes.push(`no route for ${taskType}: models with this tag, most accurate first`);
  return notes;
}
