import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BusTlsFiles } from '@will/bus';
import { CliError, exitCodes } from './cli-error.ts';

export interface BusAddress {
  readonly url: string;
  /** Where the address is from, for messages. */
  readonly from: string;
  /** File with the seed of our user on that bus; absent: it has no users. */
  readonly seedFile?: string;
  /** Files of TLS; absent: that bus speaks none. */
  readonly tls?: BusTlsFiles;
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** `NATS_URL`, else what a running `npm start` wrote down, else the usual port. */
export function findBus(env: Readonly<Record<string, string | undefined>>, root = repository): BusAddress {
  const stated = env['NATS_URL'];
  const seedFile = env['NATS_SEED_FILE'];
  if (stated) return { url: stated, from: 'NATS_URL', ...(seedFile && { seedFile }), ...tlsIn(env) };
  const file = join(env['WILL_DATA_DIR'] || join(root, '.will'), 'run.json');
  const noted = readNote(file);
  if (noted) return { ...noted, from: relative(process.cwd(), file) || file };
  return { url: 'nats://127.0.0.1:4222', from: 'the usual port' };
}

/** @throws {CliError} when only some of the files are named */
function tlsIn(env: Readonly<Record<string, string | undefined>>): { readonly tls?: BusTlsFiles } {
  const { WILL_NATS_TLS_CA: ca, WILL_NATS_TLS_CERT: cert, WILL_NATS_TLS_KEY: key } = env;
  if (!ca && !cert && !key) return {};
  if (!ca || !cert || !key)
    throw new CliError(
      exitCodes.usage,
      'WILL_NATS_TLS_CA, WILL_NATS_TLS_CERT and WILL_NATS_TLS_KEY must be set together',
    );
  return { tls: { ca, cert, key } };
}

function readNote(file: string): Omit<BusAddress, 'from'> | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as { natsUrl?: unknown; seedFile?: string; tls?: BusTlsFiles };
    if (typeof note.natsUrl !== 'string' || note.natsUrl === '') return undefined;
    return {
      url: note.natsUrl,
      ...(typeof note.seedFile === 'string' && { seedFile: note.seedFile }),
      ...(note.tls && { tls: note.tls }),
    };
  } catch {
    // No product runs from this folder, or its note is half written: the usual port is as good a guess.
    return undefined;
  }
}
