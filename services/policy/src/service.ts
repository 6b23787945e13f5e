import {
  decide,
  explain,
  notAskedFor,
  isUnrestricted,
  type Measures,
  requirementOf,
  resolveCaller,
  whatWouldChange,
  type Facts,
  type RankedSet,
  type Snapshot,
} from '@will/core';
import type { Ranking } from '@will/extension';
import type { PolicySnapshots } from './ports.ts';
import { rankedBy } from './ranked-by.ts';

/** Policy does not answer; the message says why, names the value and what was allowed, and is safe to show. */
export class PolicyRefusal extends Error {
  override readonly name = 'PolicyRefusal';
  /** `facts`: they are malformed. The others pass by themselves. */
  readonly code: 'facts' | 'no_documents' | 'stale_documents';
  constructor(code: PolicyRefusal['code'], message: string) {
    super(message);
    this.code = code;
  }
  /** The same question may be answered a moment later. */
  get isRetryable(): boolean {
    return this.code !== 'facts';
  }
}

export interface PolicyDeps {
  readonly snapshots: PolicySnapshots;
  /** A snapshot that was not confirmed for longer may allow what is forbidden by now: then only what no rule restricts. */
  readonly staleAfterMs: number;
  readonly nowMs: () => number;
  /** Orders what may do a task; absent: the declared order. */
  readonly ranking?: Ranking | undefined;
  readonly onError?: (what: string, error: unknown) => void;
  /** What calls told of models; undefined: their benchmarks alone count. */
  readonly measures?: Measures;
}

/** Policy's two use cases: which models may do a task with these facts, and why. */
export class Policy {
  readonly #deps: PolicyDeps;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
  }

  /** @throws {PolicyRefusal} no documents yet, or too old ones for this data. */
  decide(facts: Facts): RankedSet {
    const { snapshots, staleAfterMs, nowMs, measures } = this.#deps;
    const now = nowMs();
    const set = this.#ranked(decide(this.#documents(), facts, now, measures));
    if (this.#isUnrestricted(facts)) return set;
    const ageMs = snapshots.ageMs();
    if (ageMs > staleAfterMs)
      throw new PolicyRefusal(
        'stale_documents',
        `the documents were not confirmed ${inWords(ageMs)}: until they are, only tasks without any rule on data are served, this is on ${set.dataClass} data`,
      );
    // The one that keeps the set must not use it when this service itself would have stopped to answer so.
    return { ...set, validUntilMs: Math.min(set.validUntilMs, now + staleAfterMs - ageMs) };
  }

  /**
   * The decision for an instant, now where none is given, told in full. It is for people, so it is given on old
   * documents too, with a note. @throws {PolicyRefusal} no documents yet.
   */
  explain(facts: Facts, atMs: number | undefined): RankedSet {
    const { snapshots, staleAfterMs, nowMs, measures } = this.#deps;
    const now = nowMs();
    const set = this.#ranked(explain(this.#documents(), facts, atMs ?? now, measures));
    const ageMs = snapshots.ageMs();
    if (ageMs <= staleAfterMs || this.#isUnrestricted(facts)) return set;
    const note = `the documents were not confirmed ${inWords(ageMs)}: such a task is refused now`;
    return { ...set, notes: [...set.notes, note] };
  }

  /** Single changes that would let in the first model that is left out, in words. @throws {PolicyRefusal} no documents yet. */
  wouldChange(facts: Facts, atMs: number | undefined): readonly string[] {
    return whatWouldChange(this.#documents(), facts, atMs ?? this.#deps.nowMs());
  }

  /** Models of an explanation that nothing asked for. @throws {PolicyRefusal} no documents yet. */
  notConsidered(facts: Facts, set: RankedSet): readonly string[] {
    return notAskedFor(this.#documents(), facts, set);
  }

  /** Facts with the slugs of whom they name. A reflex that no document has stays as it was said. @throws {PolicyRefusal} */
  named<F extends NamedFacts>(facts: F | undefined): F | undefined {
    if (!facts) return undefined;
    const who = resolveCaller(this.#documents(), facts, { clientOfProject: true });
    if ('rule' in who) throw new PolicyRefusal('facts', who.detail);
    const { client, project = '', reflex } = who;
    return { ...facts, client, project, reflex: reflex ?? facts.reflex };
  }

  #isUnrestricted(facts: Facts): boolean {
    return isUnrestricted(requirementOf(this.#documents(), facts));
  }

  #ranked(set: RankedSet): RankedSet {
    const { ranking, onError } = this.#deps;
    return ranking ? rankedBy(ranking, set, this.#documents(), onError ?? (() => {})) : set;
  }

  #documents(): Snapshot {
    const { current } = this.#deps.snapshots;
    if (!current) throw new PolicyRefusal('no_documents', 'the registry has published no documents yet');
    return current;
  }
}

interface NamedFacts {
  readonly client: string;
  readonly project: string;
  readonly reflex: string;
}

const inWords = (ageMs: number): string =>
  Number.isFinite(ageMs) ? `for ${Math.round(ageMs / 1_000)} s` : 'since this service started';
