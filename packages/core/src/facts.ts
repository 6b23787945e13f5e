import type { DataClass } from './data-class.ts';
import type { DataRequirement } from './data-requirement.ts';
import type { Modality } from './documents.ts';

export type Priority = 'background' | 'normal' | 'high';

/** What policy may know of a task: never its content. Equal facts get equal answers. */
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
