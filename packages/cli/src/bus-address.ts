import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BusAddress {
  readonly url: string;
  /** Where the address is from, for messages. */
  readonly from: string;
  /** File with the seed of our user on that bus; absent: it has no users. */
  readonly seedFile?: string;
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** `NATS_URL`, else what a running `npm start` wrote down, else the usual port. */
export function findBus(env: Readonly<Record<string, string | undefined>>, root = repository): BusAddress {
  const stated = env['NATS_URL'];
  const seedFile = env['NATS_SEED_FILE'];
  if (stated) return { url: stated, from: 'NATS_URL', ...(seedFile && { seedFile }) };
  const file = join(env['WILL_DATA_DIR'] || join(root, '.will'), 'run.json');
  const noted = readNote(file);
  if (noted) return { ...noted, from: relative(process.cwd(), file) || file };
  return { url: 'nats://127.0.0.1:4222', from: 'the usual port' };
}

function readNote(file: string): Omit<BusAddress, 'from'> | undefined {
  try {
    const { natsUrl, seedFile } = JSON.parse(readFileSync(file, 'utf8')) as { natsUrl?: unknown; seedFile?: unknown };
    if (typeof natsUrl !== 'string' || natsUrl === '') return undefined;
    return { url: natsUrl, ...(typeof seedFile === 'string' && { seedFile }) };
  } catch {
    // No product runs from this folder, or its note is half written: the usual port is as good a guess.
    return undefined;
  }
}
