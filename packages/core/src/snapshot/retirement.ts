import { isoDate } from '../eligibility/eligibility.ts';
import type { Model, Snapshot } from './snapshot.ts';

/** The time before a model retires in which its operators are warned: 30 days. */
export const retirementNoticeMs = 30 * 24 * 3_600_000;

/** True of a model that is still used and retires within the notice. */
export const retiresSoon = ({ retiredAtMs }: Pick<Model, 'retiredAtMs'>, nowMs: number): boolean =>
  retiredAtMs > nowMs && retiredAtMs - nowMs <= retirementNoticeMs;

/** Models that retire within the notice, the next first. */
export const retiringModels = ({ models }: Pick<Snapshot, 'models'>, nowMs: number): readonly Model[] =>
  [...models.values()]
    .filter((model) => retiresSoon(model, nowMs))
    .toSorted((one, other) => one.retiredAtMs - other.retiredAtMs || (one.slug < other.slug ? -1 : 1));

/** `retires on 2027-01-01; gpt-5 replaces it`. */
export const retirementOf = ({ retiredAtMs, replacedBy }: Model): string =>
  `retires on ${isoDate(retiredAtMs)}; ${replacedBy === undefined ? 'no successor is named' : `${replacedBy} replaces it`}`;
