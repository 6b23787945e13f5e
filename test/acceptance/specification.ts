import { type Line, type Section } from './line.ts';
import { fallback } from './lines/fallback.ts';
import { futureProof } from './lines/future-proof.ts';
import { localRegistry } from './lines/local-registry.ts';
import { overrides } from './lines/overrides.ts';
import { privacy } from './lines/privacy.ts';
import { reflexes } from './lines/reflexes.ts';
import { registeredModels } from './lines/registered-models.ts';
import { telemetry } from './lines/telemetry.ts';
import { timeAware } from './lines/time-aware.ts';
import { NotPossibleHere } from './not-possible-here.ts';
import { callerDocument } from './caller.ts';
import type { World } from './world.ts';

/** The specification's headings in their order. */
export const sections: readonly Section[] = [
  registeredModels,
  privacy,
  fallback,
  overrides,
  timeAware,
  localRegistry,
  reflexes,
  telemetry,
  futureProof,
];

/** Every document that the lines need: one file of YAML, and one in the specification's notation. */
export const documentsOf = (world: World): Readonly<Record<string, string>> => ({
  'acceptance.yaml': [callerDocument, ...sections.flatMap(({ documents }) => documents(world))].join('\n---\n'),
  'acceptance.will': sections.flatMap(({ notation = [] }) => notation).join('\n'),
});

export type LineEnd = { readonly kind: 'ok' } | { readonly kind: 'failed' | 'not checked'; readonly reason: string };

/** Checks one line, each from a clean start at the upstream. */
export async function endOf({ check }: Line, world: World): Promise<LineEnd> {
  world.forget();
  try {
    await check(world);
    return { kind: 'ok' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: error instanceof NotPossibleHere ? 'not checked' : 'failed', reason };
  }
}
