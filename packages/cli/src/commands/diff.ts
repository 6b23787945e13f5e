import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { documentNamed } from '../kinds.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { count } from './apply.ts';

export interface DiffOptions {
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

interface Difference {
  readonly from: bigint;
  readonly to: bigint;
  readonly changes: readonly wire.FieldChange[];
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

type Question = { readonly kind: string; readonly slug: string; readonly from?: bigint; readonly to?: bigint };

async function differenceOf(bus: Bus, question: Question): Promise<Difference> {
  const askFor = (asked: Question, after: number) =>
    ask(bus, subjects.registry('diff'), [wire.DiffRequestSchema, { ...asked, after }], wire.DiffResponseSchema);
  const changes: wire.FieldChange[] = [];
  let answer = await askFor(question, 0);
  for (;;) {
    if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
    changes.push(...answer.changes);
    const { from, to, next } = answer;
    if (next === 0) return { from, to, changes };
    answer = await askFor({ ...question, from, to }, next);
  }
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
