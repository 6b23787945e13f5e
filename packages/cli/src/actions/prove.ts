import { readFile } from 'node:fs/promises';
import { proofOf } from '@will/operator';
import { type Verdict, verifyReport } from '@will/store';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { localTime } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { authorName } from './apply.ts';
import { writerTo } from './new-file.ts';

export interface ProveOptions {
  /** Slug. */
  readonly client: string;
  /** UTC milliseconds. */
  readonly from: number;
  /** Absent: now. */
  readonly to?: number;
  /** A new file; absent: stdout. */
  readonly out?: string;
}

/** `willm prove`: a signed report of every call of a client, with what proves it. */
export async function prove(terminal: Terminal, { client, from, to, out }: ProveOptions): Promise<ExitCode> {
  const about = { client, fromMs: from, toMs: to ?? 0, author: authorName() };
  const writer = await writerTo(terminal, out);
  let written = 0;
  try {
    await withBus(terminal, async (bus) => {
      for await (const lines of proofOf(bus, about)) {
        await writer.write(lines.map((line) => `${line}\n`).join(''));
        written += lines.length;
        if (out !== undefined) terminal.progress(`${written} lines`);
      }
    });
  } finally {
    await writer.close();
  }
  if (out !== undefined) terminal.err(`${written} lines written to ${out}\n`);
  return exitCodes.success;
}

export interface VerifyProofOptions {
  /** A copy of audit.jsonl. */
  readonly audit: string;
  /** Ends of the audit log that were kept elsewhere. */
  readonly anchor?: string;
  readonly json?: boolean;
}

/** `willm prove verify`: checks a report without asking anybody. Exit code 1 where something is wrong. */
export async function verifyProof(terminal: Terminal, report: string, options: VerifyProofOptions): Promise<ExitCode> {
  const { audit, anchor } = options;
  const texts = [
    await textOf('the report', report),
    await textOf('--audit', audit),
    anchor === undefined ? '' : await textOf('--anchor', anchor),
  ] as const;
  try {
    const verdict = verifyReport(...texts);
    if (options.json) printJson(terminal, verdict);
    else terminal.out(inWords(verdict, anchor !== undefined));
    return exitCodes.success;
  } catch (error) {
    const problem = (error as Error).message;
    if (options.json) printJson(terminal, { problem });
    else terminal.out(`wrong: ${problem}\n`);
    return exitCodes.failed;
  }
}

function inWords(verdict: Verdict, isAnchored: boolean): string {
  const { calls, seals, erased, expired, anchoredSeals, sealedUntilMs } = verdict;
  return [
    `${calls} calls in ${seals} seals, all as they were sealed\n`,
    `calls that ended and started before ${localTime(sealedUntilMs)} are covered\n`,
    erased > 0 ? `${erased} seals held calls that were erased with the client\n` : '',
    expired > 0 ? `${expired} seals held calls that are past their age\n` : '',
    isAnchored
      ? `${anchoredSeals} of ${seals} seals are anchored outside\n`
      : 'without --anchor it does not show whether the whole audit log was written anew\n',
  ].join('');
}

async function textOf(what: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(exitCodes.usage, `${what} ${path} cannot be read (${cause.code})`);
  });
}
