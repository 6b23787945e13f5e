import { dataClasses } from '../domain/data-class.ts';
import { stricterOf, type DataRequirement } from './data-requirement.ts';
import { decide } from '../routing/decide.ts';
import type { ExclusionRule } from '../routing/decision.ts';
import { exclusionOf, exclusionsOf, ownersOf, requirementOf, type Requirement } from './eligibility.ts';
import type { Facts } from '../domain/facts.ts';
import { identityProblem } from '../domain/identity.ts';
import { nearestNames } from '../domain/nearest.ts';
import { proposalsOf, type Proposal } from './proposals.ts';
import { reasonInWords } from './explain.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';

/** What the rules check, and against what. */
interface Case {
  readonly model: Model;
  readonly requirement: Requirement;
  readonly facts: Facts;
}

/** One change of a document or of the task, and the case as it would then be. */
interface Trial {
  readonly words: string;
  readonly after: Case;
}

interface World {
  readonly snapshot: Snapshot;
  readonly nowMs: number;
}

/**
 * Single changes that would each let in the first model that was asked for and left out: what the task, the reflex,
 * the project or the client names, then the route, as far as it stands before the first candidate. Each change that is
 * told was tried on the rules, and none of them relaxes what nobody may relax: a statement on a model is proposed only
 * on the condition that it is true. Nothing is told where the first wish is granted.
 */
export function whatWouldChange(snapshot: Snapshot, facts: Facts, nowMs: number): readonly string[] {
  const wished = firstLeftOut(snapshot, facts, nowMs);
  if (!wished || identityProblem(snapshot, facts)) return [];
  const who = `${wished.model} (${reasonInWords(wished.why)})`;
  const model = snapshot.models.get(wished.model);
  if (!model) return [`${who} would be a candidate if ${unknownInWords(snapshot, wished.model)}`];
  const present: Case = { model, requirement: requirementOf(snapshot, facts), facts };
  const broken = brokenBy(present, nowMs);
  const changes = [...new Set(broken.flatMap((rule) => trials[rule]?.(present, { snapshot, nowMs }) ?? []))]
    .filter(({ after }) => brokenBy(after, nowMs).length === 0)
    .map(({ words }) => `${who} would be a candidate if ${words}`);
  if (changes.length > 0) return [...new Set(changes)];
  const kind = broken.length > 1 ? `it breaks ${broken.length} rules: ${broken.join(', ')}` : `it breaks ${broken[0]}`;
  return [`no single change makes ${who} a candidate: ${kind}`];
}

function firstLeftOut(snapshot: Snapshot, facts: Facts, nowMs: number): Proposal | undefined {
  const candidates = new Set(decide(snapshot, facts, nowMs).candidates.map(({ model }) => model));
  for (const proposal of proposalsOf(snapshot, facts)) return candidates.has(proposal.model) ? undefined : proposal;
  return undefined;
}

/** A premium model that a route keeps for when nothing else is left needs high priority to come before that. */
function brokenBy({ model, requirement, facts }: Case, nowMs: number): readonly ExclusionRule[] {
  if (exclusionOf(model, requirement, facts, nowMs))
    return exclusionsOf(model, requirement, facts, nowMs).map(({ rule }) => rule);
  return model.tier === 'premium' && requirement.premium === 'if_empty' ? ['tier'] : [];
}

const withModel = (present: Case, words: string, change: Partial<Model>): Trial => ({
  words: `${present.model.slug} stated ${words}`,
  after: { ...present, model: { ...present.model, ...change } },
});
const withRequirement = (present: Case, words: string, change: Partial<Requirement>): Trial => ({
  words,
  after: { ...present, requirement: heldTo(present.facts.floor, { ...present.requirement, ...change }) },
});
const heldTo = (floor: DataRequirement | undefined, requirement: Requirement): Requirement =>
  floor ? { ...requirement, ...stricterOf(requirement, floor) } : requirement;
/** What the task says of itself can also change what the documents ask for. */
const withFacts = (present: Case, { snapshot }: World, words: string, change: Partial<Facts>): Trial => {
  const facts = { ...present.facts, ...change };
  return { words: `the task ${words}`, after: { ...present, facts, requirement: requirementOf(snapshot, facts) } };
};

/** The one document that asks for it; none where several do, since then no single change takes it away. */
function soleOwner(
  { snapshot }: World,
  facts: Facts,
  asks: (rules: NonNullable<ReturnType<typeof ownersOf>[number]['data_rules']>) => boolean,
): string | undefined {
  const [owner, ...others] = ownersOf(snapshot, facts).filter(({ data_rules }) => asks(data_rules ?? {}));
  if (!owner || others.length > 0) return undefined;
  return `${snapshot.clients.get(owner.slug) === owner ? 'client' : 'project'} ${owner.slug}`;
}

/** The task may itself have raised its class: then it may also say less. */
const ofLesserClass = (present: Case, world: World): readonly Trial[] =>
  [undefined, ...dataClasses].map((dataClass) =>
    withFacts(present, world, dataClass ? `were of ${dataClass} data` : 'said nothing of its data', { dataClass }),
  );

/** What could mend each rule; `modality` has nothing that one line of a document changes. */
const trials: Partial<Record<ExclusionRule, (present: Case, world: World) => readonly Trial[]>> = {
  retired: (present) => [
    withModel(present, 'no `retired`, if it still answers', { retiredAtMs: Number.POSITIVE_INFINITY }),
  ],
  customer_data: (present, world) => [
    withModel(present, '`allowed_tasks: { can_this_model_see_customer_data: yes }`, if that is true', {
      maySeeCustomerData: true,
    }),
    ...ofLesserClass(present, world),
  ],
  security_level: (present, world) => [
    withModel(present, '`security_level: safe_for_sensitive`, if that is true', {
      securityLevel: 'safe_for_sensitive',
    }),
    ...ofLesserClass(present, world),
  ],
  avoid_cloud: (present, world) => {
    const owner = soleOwner(world, present.facts, ({ avoid_cloud }) => avoid_cloud === true);
    return [
      withModel(present, 'a private address as its place', { isPrivate: true }),
      ...(owner ? [withRequirement(present, `${owner} did not ask for avoid_cloud`, { avoidCloud: false })] : []),
    ];
  },
  use_compliant_only: (present, world) => {
    const { requirement, facts, model } = present;
    const wanted = requirement.standards.length > 0 ? requirement.standards : (['GDPR'] as const);
    const owner = soleOwner(world, facts, ({ use_compliant_only }) => use_compliant_only === true);
    const inForce = wanted.map((standard) => ({ standard, expiresAtMs: Number.POSITIVE_INFINITY }));
    const compliance = [...(model.compliance ?? []), ...inForce];
    const said = requirement.standards.length > 0 ? `[${wanted.join(', ')}]` : 'of some standard';
    const off = { compliantOnly: false, standards: [] };
    return [
      withModel(present, `compliance ${said} in force, if that is true`, { compliance }),
      ...(owner ? [withRequirement(present, `${owner} did not ask for use_compliant_only`, off)] : []),
    ];
  },
  data_residency: (present, world) => {
    const owner = soleOwner(world, present.facts, ({ data_residency }) => data_residency !== undefined);
    return [
      ...present.requirement.residencies.map((dataResidency) =>
        withModel(present, `\`data_residency: ${dataResidency}\`, if that is true`, { dataResidency }),
      ),
      ...(owner ? [withRequirement(present, `${owner} did not ask for data_residency`, { residencies: [] })] : []),
    ];
  },
  task_type: (present) => [
    withModel(present, `the tag ${present.facts.taskType}, if it can do that`, {
      taskTypes: new Set([...present.model.taskTypes, present.facts.taskType]),
    }),
  ],
  capability: (present, world) => {
    const missed = present.facts.needs.filter((need) => !present.model.capabilities.has(need));
    const capabilities = new Set([...present.model.capabilities, ...missed]);
    return [
      withModel(present, `the capabilities ${missed.join(', ')}, if it has them`, { capabilities }),
      withFacts(present, world, `did without ${missed.join(', ')}`, {
        needs: present.facts.needs.filter((need) => !missed.includes(need)),
      }),
    ];
  },
  context_length: (present, world) => smaller(present, world, present.model.contextTokens),
  max_tokens_per_call: (present, world) => [
    withModel(present, 'a larger max_tokens_per_call', { maxTokensPerCall: undefined }),
    ...smaller(present, world, present.model.maxTokensPerCall),
  ],
  max_output: (present, world) => [
    withModel(present, 'a larger max_tokens_per_call', { maxTokensPerCall: undefined }),
    ...smaller(present, world, present.model.maxTokensPerCall),
  ],
  tier: (present, world) => [withFacts(present, world, 'had high priority', { priority: 'high' })],
};

function smaller(present: Case, world: World, most: number | undefined): readonly Trial[] {
  if (most === undefined) return [];
  const { inputTokens, maxOutputTokens } = present.facts;
  return [
    ...(most > maxOutputTokens
      ? [
          withFacts(present, world, `had at most ${most - maxOutputTokens} tokens of input`, {
            inputTokens: Math.min(inputTokens, most - maxOutputTokens),
          }),
        ]
      : []),
    withFacts(present, world, 'let its output be clamped', { maxOutputTokens: 0 }),
  ];
}

function unknownInWords({ models }: Snapshot, name: string): string {
  const near = nearestNames(
    name,
    [...models.values()].map((model) => model.name),
  );
  return `a model had this name or alias${near.length === 0 ? '' : `; nearest: ${near.join(', ')}`}`;
}
