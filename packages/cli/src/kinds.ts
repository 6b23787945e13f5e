import { documentKinds, type DocumentKind } from '@will/core';
import { CliError, exitCodes } from './cli-error.ts';

/** Words that may be asked for, each with the kind that it means. */
export const kindsByWord: Readonly<Record<string, DocumentKind>> = {
  models: 'model',
  routes: 'route',
  task_types: 'task_type',
  clients: 'client',
  projects: 'project',
  reflexes: 'reflex',
  schedules: 'schedule',
  settings: 'settings',
};

/** `model` or `models`. */
export const kindWords: readonly string[] = [...new Set([...Object.keys(kindsByWord), ...documentKinds])];

export const kindOfWord = (word: string): DocumentKind | undefined =>
  kindsByWord[word] ?? documentKinds.find((kind) => kind === word);

/** One document that a command is about; undefined: it is about all. @throws {CliError} 2 when only half is said. */
export function documentNamed(
  word: string | undefined,
  name: string | undefined,
): { readonly kind: DocumentKind; readonly slug: string } | undefined {
  const kind = word === undefined ? undefined : kindOfWord(word);
  if (kind === undefined) return undefined;
  // There is one document of settings.
  const slug = name ?? (kind === 'settings' ? 'global' : undefined);
  if (slug === undefined)
    throw new CliError(exitCodes.usage, `which ${kind}? \`willm get ${wordOfKind(kind)}\` lists them`);
  return { kind, slug };
}

export const wordOfKind = (kind: DocumentKind): string =>
  Object.entries(kindsByWord).find(([, known]) => known === kind)?.[0] ?? kind;
