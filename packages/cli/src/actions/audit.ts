import { readFile } from 'node:fs/promises';
import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import type { AuditHead } from '@will/store';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { working } from '../working.ts';

/** `willm audit ls`: what was changed and refused, newest first. */
export async function listAudit(
  terminal: Terminal,
  options: { readonly limit?: number; readonly before?: number; readonly json?: boolean },
): Promise<ExitCode> {
  const question = { limit: options.limit ?? 0, before: BigInt(options.before ?? 0) };
  const { entries, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.audit('list'), [wire.ListAuditRequestSchema, question], wire.ListAuditResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, entries);
  else if (entries.length === 0) terminal.err('nothing was changed or refused yet\n');
  else
    terminal.out(
      table(entries, [
        { title: 'NO', value: ({ sequence }) => String(sequence), align: 'right' },
        { title: 'TIME', value: ({ atUnixMs }) => localTime(Number(atUnixMs)) },
        { title: 'SERVICE', value: ({ service }) => service },
        { title: 'ACTOR', value: ({ actor }) => actor },
        { title: 'ACTION', value: ({ action }) => action },
        { title: 'OBJECT', value: ({ object }) => object },
        { title: 'DETAIL', value: ({ detail }) => detail },
      ]),
    );
  return exitCodes.success;
}

export interface VerifyAuditOptions {
  /** File of ends that were kept outside the log, one JSON line each. */
  readonly anchor?: string;
  /** A copy of the log; absent: the registry reads its own. */
  readonly file?: string;
  readonly json?: boolean;
}

interface Verdict {
  readonly entries: number;
  readonly position?: number;
  readonly problem?: string;
}

/** `willm audit verify`: whether every entry is there as it was written. Exit code 1 when one is not. */
export async function verifyAudit(terminal: Terminal, options: VerifyAuditOptions): Promise<ExitCode> {
  const { anchor, file } = options;
  const anchored = anchor === undefined ? undefined : await lastAnchored(anchor);
  const verdict = file === undefined ? await askRegistry(terminal, anchored) : await verifyFile(file, anchored);
  const { entries, position, problem } = verdict;
  const compared = anchored ? `, up to entry ${anchored.sequence} as anchored` : '';
  if (options.json) printJson(terminal, { ...verdict, ...(anchored && { anchored }) });
  else if (problem === undefined) terminal.out(`${entries} entries, all as they were written${compared}\n`);
  else terminal.out(`wrong at entry ${position}: ${problem}\n`);
  return problem === undefined ? exitCodes.success : exitCodes.failed;
}

async function verifyFile(path: string, anchored: AuditHead | undefined): Promise<Verdict> {
  const { verifyAuditFile } = await import('@will/store');
  const { entries, wrong } = await verifyAuditFile(path, anchored).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(exitCodes.usage, `--file ${path} cannot be read (${cause.code})`);
  });
  return { entries, ...wrong };
}

async function askRegistry(terminal: Terminal, anchored: AuditHead | undefined): Promise<Verdict> {
  const verifyMs = 120_000;
  return withBus(terminal, async (bus) => {
    const answer = await working(terminal, 'reading the audit log', () =>
      ask(bus, subjects.audit('verify'), [wire.VerifyAuditRequestSchema, {}], wire.VerifyAuditResponseSchema, verifyMs),
    );
    if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
    const entries = Number(answer.entries);
    if (answer.problem !== '') return { entries, position: Number(answer.position), problem: answer.problem };
    return { entries, ...(anchored && (await differenceFrom(anchored, bus, entries))) };
  });
}

/** The chain holds: then the entry at the anchor's number says whether all up to it is what was anchored. */
async function differenceFrom(
  { sequence, digest }: AuditHead,
  bus: Bus,
  entries: number,
): Promise<{ position: number; problem: string } | undefined> {
  if (sequence > entries)
    return { position: entries + 1, problem: `the log ends at ${entries}, but ${sequence} were anchored` };
  const question = { before: BigInt(sequence) + 1n, limit: 1 };
  const listed = await ask(
    bus,
    subjects.audit('list'),
    [wire.ListAuditRequestSchema, question],
    wire.ListAuditResponseSchema,
    60_000,
  );
  if (listed.error !== '') throw new CliError(exitCodes.failed, listed.error);
  if (listed.entries[0]?.digest === digest) return undefined;
  return { position: sequence, problem: 'the entry is another one than was anchored' };
}

/** The newest end in the file. A last line that was cut, as by a full disk, is left out. */
async function lastAnchored(path: string): Promise<AuditHead> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(exitCodes.usage, `--anchor ${path} cannot be read (${cause.code})`);
  });
  const heads = text.split('\n').flatMap(headIn);
  const last = heads.reduce<AuditHead | undefined>(
    (newest, head) => (newest && newest.sequence > head.sequence ? newest : head),
    undefined,
  );
  if (last) return last;
  throw new CliError(
    exitCodes.usage,
    `--anchor ${path} holds no end of an audit log, as WILL_AUDIT_ANCHOR writes them`,
  );
}

function headIn(line: string): readonly AuditHead[] {
  try {
    const { sequence, digest } = JSON.parse(line) as Partial<AuditHead>;
    const isHead = Number.isSafeInteger(sequence) && /^[0-9a-f]{64}$/.test(String(digest));
    return isHead ? [{ sequence: Number(sequence), digest: String(digest) }] : [];
  } catch {
    return [];
  }
}
