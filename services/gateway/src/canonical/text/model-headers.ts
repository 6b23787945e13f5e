import type { Model, Snapshot } from '@will/core';
import { ignoredHeader, type OtherFields } from './forwarded-fields.ts';

/** Headers of an answer that depend on the model that gave it, as name, value, name, value, … */
export type ModelHeaders = (model: string) => readonly string[];

export const modelHeaders =
  (snapshot: Snapshot, others: OtherFields): ModelHeaders =>
  (model) => [...ignoredHeader(others.ignoredBy(model)), ...lifetimeHeaders(snapshot.models.get(model)).flat()];

type Header = readonly [name: string, value: string];

/**
 * When a model is deprecated (RFC 9745) and retires (RFC 8594), and what follows it, where its document says so. None for a
 * model that the snapshot does not have.
 */
export function lifetimeHeaders(model: Model | undefined): readonly Header[] {
  if (!model) return [];
  const { deprecatedAtMs, retiredAtMs, replacedBy } = model;
  const ends: readonly Header[] = [
    ...(Number.isFinite(deprecatedAtMs) ? [['deprecation', `@${Math.floor(deprecatedAtMs / 1_000)}`] as const] : []),
    ...(Number.isFinite(retiredAtMs) ? [['sunset', new Date(retiredAtMs).toUTCString()] as const] : []),
  ];
  if (ends.length === 0 || replacedBy === undefined) return ends;
  return [...ends, ['link', `</v1/models/${replacedBy}>; rel="successor-version"`]];
}
