import { strictestOf, type DataClass } from '../domain/data-class.ts';
import type { ComplianceStandard, Residency } from '../domain/documents.ts';

/** The rules on data that a model must keep for a task. */
export interface DataRequirement {
  /** The class in force. */
  readonly dataClass: DataClass;
  readonly avoidCloud: boolean;
  /** At least one standard must be in force, and every one of `standards`. */
  readonly compliantOnly: boolean;
  readonly standards: readonly ComplianceStandard[];
  /** All of them must hold; `US` and `EU` together admit nothing. */
  readonly residencies: readonly Residency[];
}

/** The requirement that admits only what both admit. */
export const stricterOf = (a: DataRequirement, b: DataRequirement): DataRequirement => ({
  dataClass: strictestOf(a.dataClass, b.dataClass),
  avoidCloud: a.avoidCloud || b.avoidCloud,
  compliantOnly: a.compliantOnly || b.compliantOnly,
  standards: union(a.standards, b.standards),
  residencies: union(a.residencies, b.residencies),
});

/** Sorted, so that equal requirements are equal to the last bit. */
const union = <T extends string>(a: readonly T[], b: readonly T[]): readonly T[] => [...new Set([...a, ...b])].sort();
