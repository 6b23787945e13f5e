import type { DataClass } from './data-class.ts';
import type { DataRequirement } from '../eligibility/data-requirement.ts';
import type { Modality, UnavailableModel } from './documents.ts';

/** The priority of a task. */
export type Priority = 'background' | 'normal' | 'high';

/**
 * The priority that the specification's `high_priority` and a priority state together; a conflict: they contradict
 * each other.
 */
export function priorityStated(
  priority: Priority | undefined,
  isHigh: boolean | undefined,
): Priority | undefined | 'conflict' {
  if (isHigh === undefined) return priority;
  if (priority === undefined) return isHigh ? 'high' : undefined;
  return (priority === 'high') === isHigh ? priority : 'conflict';
}

/** The message of such a conflict. */
export const priorityConflict = (priority: string, isHigh: boolean): string =>
  `priority ${priority} and high_priority ${isHigh} contradict each other; send one of the two`;

/** Facts that policy may know of a task: never its content. Equal facts get equal answers. */
export interface Facts {
  readonly taskType: string;
  readonly client: string;
  readonly project: string | undefined;
  readonly reflex: string | undefined;
  readonly priority: Priority;
  /** What the caller says of its data; it can raise the class that documents give, never lower it. */
  readonly dataClass: DataClass | undefined;
  /** A model the caller asks for by slug, name or alias. */
  readonly model: string | undefined;
  /** What the request or its key says; undefined: the project's or client's document, else `error`. */
  readonly unavailableModel?: UnavailableModel | undefined;
  readonly input: readonly Modality[];
  readonly output: readonly Modality[];
  /** Capabilities a model must have. */
  readonly needs: readonly string[];
  /** Upper bound of the input's tokens, rounded up to an edge of the snapshot. */
  readonly inputTokens: number;
  /** Output that must be possible; 0 where the maximum may be clamped. */
  readonly maxOutputTokens: number;
  /** Rules on data that hold beside those of the documents: a durable task's, from when it was accepted. They only tighten. */
  readonly floor?: DataRequirement | undefined;
}
