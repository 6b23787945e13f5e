import type { wire } from '@will/contracts';
import { versionsOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { documentNamed } from '../kinds.ts';
import { localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';

export interface HistoryOptions {
  readonly limit?: number;
  readonly json?: boolean;
}

/** `willm history`: every version of a document, or every revision of all; newest first. */
export async function history(
  terminal: Terminal,
  word: string | undefined,
  name: string | undefined,
  { limit = 1_000, json = false }: HistoryOptions,
): Promise<ExitCode> {
  const document = documentNamed(word, name);
  const versions = await withBus(terminal, (bus) => versionsOf(bus, document, limit));
  if (document && versions.length === 0)
    throw new CliError(exitCodes.failed, `there never was a ${document.kind} ${JSON.stringify(document.slug)}`);
  if (json) printJson(terminal, versions);
  else if (versions.length === 0) terminal.err('nothing was applied yet\n');
  else terminal.out(document ? versionTable(versions) : revisionTable(versions));
  return exitCodes.success;
}

const revision = {
  title: 'REVISION',
  value: (version: wire.Version) => Number(version.revision),
  align: 'right',
} as const;
const time = { title: 'TIME', value: ({ atUnixMs }: wire.Version) => localTime(Number(atUnixMs)) };
const author = { title: 'BY', value: (version: wire.Version) => version.author };
const note = { title: 'NOTE', value: (version: wire.Version) => version.note };

const versionTable = (versions: readonly wire.Version[]): string =>
  table(versions, [
    revision,
    time,
    author,
    {
      title: 'CHANGE',
      value: ({ action, fields }) => (fields.length === 0 ? action : `${action}: ${fields.join(', ')}`),
    },
    note,
  ]);

const revisionTable = (versions: readonly wire.Version[]): string =>
  table(versions, [
    revision,
    time,
    author,
    { title: 'DOCUMENTS', value: ({ changes }) => changes, align: 'right' },
    note,
  ]);
