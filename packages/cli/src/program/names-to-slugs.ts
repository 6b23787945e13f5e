import type { Terminal } from '../terminal.ts';
import type { Command } from 'commander';

/** Options that name documents, and the commands for which these must exist. */
const nameOptions = ['client', 'project', 'reflex', 'model'] as const;
const needDocuments: ReadonlySet<string> = new Set(['run', 'submit', 'explain']);

/** Puts slugs in place of the names that a command line holds. */
export async function namesToSlugs(terminal: Terminal, command: Command): Promise<void> {
  const needs = needDocuments.has(command.name());
  const said = nameOptions.flatMap((kind) => {
    const name: unknown = command.getOptionValue(kind);
    // Which model a task may have, and what a key is for, is told where that is checked.
    const isCheckedLater = (needs && kind === 'model') || command.name() === 'create';
    return typeof name === 'string' && name !== 'default' && !isCheckedLater ? [[kind, name] as const] : [];
  });
  if (said.length === 0) return;
  const { resolveNames } = await import('../resolve-names.ts');
  const found = await resolveNames(terminal, Object.fromEntries(said), needs);
  for (const [kind, slug] of Object.entries(found)) command.setOptionValue(kind, slug);
}
