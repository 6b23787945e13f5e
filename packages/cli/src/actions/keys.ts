import { digestOfKey, type KeyRole, newKey, subjects, wire } from '@will/contracts';
import type { DataClass, UnavailableModel } from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName } from './apply.ts';

export interface CreateKeyOptions {
  readonly client: string;
  readonly role: KeyRole;
  readonly project?: readonly string[];
  readonly type?: readonly string[];
  readonly dataClass?: DataClass;
  readonly unavailableModel?: UnavailableModel;
  /** Epoch milliseconds. */
  readonly expires?: number;
  readonly note?: string;
  readonly json?: boolean;
}

/** `willm keys create`: makes a key here and sends its digest; the key itself is shown once and kept nowhere. */
export async function createKey(terminal: Terminal, options: CreateKeyOptions): Promise<ExitCode> {
  const { id, text } = newKey();
  const key = {
    id,
    digest: await digestOfKey(text),
    client: options.client,
    role: options.role,
    projects: [...(options.project ?? [])],
    taskTypes: [...(options.type ?? [])],
    dataClass: options.dataClass ?? '',
    unavailableModel: options.unavailableModel ?? '',
    note: options.note ?? '',
    expiresUnixMs: BigInt(options.expires ?? 0),
  };
  const { error } = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.keys('create'),
      [wire.CreateKeyRequestSchema, { key, author: authorName() }],
      wire.CreateKeyResponseSchema,
    ),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, { id, key: text, client: options.client, role: options.role });
  else {
    terminal.out(`${text}\n`);
    terminal.err(`This is the only time the key is shown. Its id is ${id}; \`willm keys revoke ${id}\` ends it.\n`);
  }
  return exitCodes.success;
}

/** `willm keys ls`: every key without what would let somebody in. */
export async function listKeys(terminal: Terminal, options: { readonly json?: boolean }): Promise<ExitCode> {
  const { keys, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.keys('list'), [wire.ListKeysRequestSchema, {}], wire.ListKeysResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json)
    printJson(
      terminal,
      keys.map((key) => ({ ...key, digest: undefined })),
    );
  else if (keys.length === 0) terminal.err('there are no keys\n');
  else
    terminal.out(
      table(keys, [
        { title: 'ID', value: ({ id }) => id },
        { title: 'CLIENT', value: ({ client }) => client },
        { title: 'ROLE', value: ({ role }) => role },
        { title: 'STATE', value: stateOf },
        { title: 'CREATED', value: ({ createdUnixMs }) => localTime(Number(createdUnixMs)) },
        { title: 'ONLY FOR', value: boundsOf },
        { title: 'NOTE', value: ({ note }) => note },
      ]),
    );
  return exitCodes.success;
}

/** `willm keys revoke`: from then on every server rejects it. */
export async function revokeKey(
  terminal: Terminal,
  id: string,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const { key, error } = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.keys('revoke'),
      [wire.RevokeKeyRequestSchema, { id, author: authorName() }],
      wire.RevokeKeyResponseSchema,
    ),
  );
  if (error !== '' || !key) throw new CliError(exitCodes.failed, error || 'no answer came');
  if (options.json) printJson(terminal, { id: key.id, revokedUnixMs: key.revokedUnixMs });
  else terminal.out(`key ${key.id} of ${key.client} is revoked\n`);
  return exitCodes.success;
}

function stateOf({ revokedUnixMs, expiresUnixMs }: wire.Key): string {
  if (revokedUnixMs !== 0n) return `revoked ${localTime(Number(revokedUnixMs))}`;
  return expiresUnixMs === 0n ? 'holds' : `holds until ${localTime(Number(expiresUnixMs))}`;
}

const boundsOf = ({ projects, taskTypes, dataClass, unavailableModel }: wire.Key): string =>
  [
    ...projects.map((project) => `project ${project}`),
    ...taskTypes,
    ...(dataClass === '' ? [] : [`data ${dataClass}`]),
    ...(unavailableModel === '' ? [] : [`unavailable model: ${unavailableModel}`]),
  ].join(', ');
