import type { DataClass, Facts, Model } from '@will/core';
import type { Provider } from '@will/providers';

/**
 * The additions of one module: its default export. Everything in it runs within our processes, so it is trusted as
 * they are.
 */
export interface Extension {
  /** For messages. */
  readonly name: string;
  /** Loaded by provider-workers. */
  readonly providers?: readonly Provider[];
  /** Loaded by provider-workers; called in this order, around every call. */
  readonly hooks?: readonly CallHook[];
  /** Loaded by policy. At most one over all extensions. */
  readonly ranking?: Ranking;
}

/** A call as a hook sees it. */
export interface HookedCall {
  readonly facts: Facts;
  /** What the data counts as so far. */
  readonly dataClass: DataClass;
  readonly model: Model;
  readonly inputKind: string;
  /** As the provider would get it. A hook does not change these bytes; it returns others. */
  readonly input: Uint8Array;
  /** Aborted once the call is cancelled or its time is up; what a hook says then is not heard. */
  readonly signal: AbortSignal;
}

export interface HookedOutput {
  readonly text: string;
  readonly reasoning: string;
  /** JSON array in the OpenAI form; '' for none. */
  readonly toolCalls: string;
}

/** The call goes on as it is where nothing is said. */
export type BeforeVerdict =
  | undefined
  | {
      /** Goes to the provider in place of the input. */
      readonly input?: Uint8Array;
      /** What the data must count as. It can only raise the class; the rules are asked again with it. */
      readonly dataClass?: DataClass;
    }
  | { /** Ends the task as `Blocked`. Reaches the caller and the record: no content in it. */ readonly refuse: string };

export type AfterVerdict =
  | undefined
  | { /** In place of the text. */ readonly text: string }
  | { /** The answer is withheld, and the next model is tried. No content in it. */ readonly refuse: string };

/** Looks at calls before and after. What throws refuses: a guard that is broken lets nothing through. */
export interface CallHook {
  readonly name: string;
  before?(call: HookedCall): BeforeVerdict | Promise<BeforeVerdict>;
  /** With any such hook answers are held back until they are whole, also streamed ones. */
  after?(call: HookedCall, output: HookedOutput): AfterVerdict | Promise<AfterVerdict>;
}

/** Orders the models that may do a task. It adds and removes none; what it leaves out stands behind, in the declared order. */
export interface Ranking {
  readonly name: string;
  /** Slugs, best first. Must be quick, and say the same for the same: the answer is kept for a while. */
  order(candidates: readonly Model[], facts: Facts): readonly string[];
}
