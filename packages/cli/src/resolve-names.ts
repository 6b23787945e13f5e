import { wire, subjects } from '@will/contracts';
import { type NamedKind, nearestInWords, slugPattern } from '@will/core';
import { CliError, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** Clients, projects, reflexes and models that a command line names, by the names of its options. */
export type SaidNames = Partial<Record<NamedKind, string>>;

/** How long the registry may take: where it does not run, slugs are taken as they are. */
const withinMs = 1_000;

/**
 * The names of a command line as slugs, which subjects, records and keys hold. A project alone also names its client.
 * `mustExist`: a client or project that no document has is an error that tells names like it; otherwise what is kept of
 * removed ones is found by their names, too, and a slug stays as it is. @throws {CliError}
 */
export async function resolveNames(terminal: Terminal, said: SaidNames, mustExist: boolean): Promise<SaidNames> {
  // Help and mistakes answer without the bus's libraries.
  const { ask, withBus } = await import('./with-bus.ts');
  const found: SaidNames = {};
  await withBus(terminal, async (bus) => {
    for (const [kind, name] of Object.entries(said) as [NamedKind, string][]) {
      const question = [wire.ResolveRequestSchema, { kind, name }] as const;
      const answer = await ask(bus, subjects.registry('resolve'), question, wire.ResolveResponseSchema, withinMs).catch(
        () => undefined,
      );
      found[kind] = answer && answer.slug !== '' ? answer.slug : unresolved(kind, name, answer, mustExist);
      if (kind === 'project' && mustExist && said.client === undefined && answer && answer.client !== '')
        found.client = answer.client;
    }
  });
  return found;
}

function unresolved(
  kind: NamedKind,
  name: string,
  answer: wire.ResolveResponse | undefined,
  mustExist: boolean,
): string {
  if (!mustExist && answer && answer.removedSlug !== '') return answer.removedSlug;
  // A router tells of a reflex that it ignores.
  if (kind === 'reflex' || (slugPattern.test(name) && !(mustExist && answer && answer.error === ''))) return name;
  const why = answer && answer.error === '' ? nearestInWords(answer.nearest) : `; ${answer?.error || noAnswer}`;
  throw new CliError(exitCodes.failed, `${JSON.stringify(name.slice(0, 80))} is no ${kind}${why}`);
}

const noAnswer = 'the registry, which knows all names, does not answer';
