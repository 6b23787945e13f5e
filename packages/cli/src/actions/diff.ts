import type { wire } from '@will/contracts';
import { type Difference, differenceOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { documentNamed } from '../kinds.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { count } from './apply.ts';

export interface DiffOptions {
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

/** `willm diff`: what differs between two revisions, field by field. */
export async function diff(
  terminal: Terminal,
  word: string | undefined,
  name: string | undefined,
  { from, to, json = false }: DiffOptions,
): Promise<ExitCode> {
  const document = documentNamed(word, name);
  if (!document && from === undefined)
    throw new CliError(exitCodes.usage, 'say which document, or --from which revision; `willm history` lists them');
  const question = {
    kind: document?.kind ?? '',
    slug: document?.slug ?? '',
    ...(from !== undefined && { from: BigInt(from) }),
    ...(to !== undefined && { to: BigInt(to) }),
  };
  const difference = await withBus(terminal, (bus) => differenceOf(bus, question));
  if (json) printJson(terminal, difference);
  else show(terminal, difference);
  return exitCodes.success;
}

function show(terminal: Terminal, { from, to, changes }: Difference): void {
  const documents = Map.groupBy(changes, ({ kind, slug }) => `${kind} ${slug}`);
  for (const [place, fields] of documents) {
    terminal.out(`${place} ${fields[0]?.action ?? ''}\n`);
    for (const field of fields) terminal.out(`  ${fieldInWords(field)}\n`);
  }
  const what =
    changes.length === 0
      ? 'no difference'
      : `${count(changes.length, 'field')} of ${count(documents.size, 'document')}`;
  terminal.err(`${what} between revisions ${from} and ${to}\n`);
}

function fieldInWords({ field, before, after }: wire.FieldChange): string {
  if (before === undefined) return `+ ${field}: ${after}`;
  return after === undefined ? `- ${field}: ${before}` : `~ ${field}: ${before} → ${after}`;
}
