import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

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

/** `willm audit verify`: whether every entry is there as it was written. Exit code 1 when one is not. */
export async function verifyAudit(terminal: Terminal, options: { readonly json?: boolean }): Promise<ExitCode> {
  const verifyMs = 120_000;
  const answer = await withBus(terminal, (bus) =>
    ask(bus, subjects.audit('verify'), [wire.VerifyAuditRequestSchema, {}], wire.VerifyAuditResponseSchema, verifyMs),
  );
  if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
  const { entries, problem, position } = answer;
  if (options.json) printJson(terminal, { entries, ...(problem !== '' && { position, problem }) });
  else if (problem === '') terminal.out(`${entries} entries, all as they were written\n`);
  else terminal.out(`wrong at entry ${position}: ${problem}\n`);
  return problem === '' ? exitCodes.success : exitCodes.failed;
}
