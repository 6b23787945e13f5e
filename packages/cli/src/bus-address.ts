import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BusAddress {
  readonly url: string;
  /** Where the address is from, for messages. */
  readonly from: string;
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** `NATS_URL`, else what a running `npm start` wrote down, else the usual port. */
export function findBus(env: Readonly<Record<string, string | undefined>>, root = repository): BusAddress {
  const stated = env['NATS_URL'];
  if (stated) return { url: stated, from: 'NATS_URL' };
  const file = join(env['WILL_DATA_DIR'] || join(root, '.will'), 'run.json');
  const noted = readNote(file);
  if (noted) return { url: noted, from: relative(process.cwd(), file) || file };
  return { url: 'nats://127.0.0.1:4222', from: 'the usual port' };
}

function readNote(file: string): string | undefined {
  try {
    const { natsUrl } = JSON.parse(readFileSync(file, 'utf8')) as { natsUrl?: unknown };
    return typeof natsUrl === 'string' && natsUrl !== '' ? natsUrl : undefined;
  } catch {
    // No product runs from this folder, or its note is half written: the usual port is as good a guess.
    return undefined;
  }
}
