import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AgentClient } from './clients.ts';

const folder = fileURLToPath(new URL('../../.cache/agents/', import.meta.url));
const placeOf = ({ name, version }: AgentClient): string => join(folder, `${name}-${version}`);
const run = promisify(execFile);

/** Where a client stands once {@link installClient} brought it. */
export const programOf = (client: AgentClient): string => join(placeOf(client), client.program);

/** Brings a client's pinned version from npm, once; it is no dependency of this repository. */
export async function installClient(client: AgentClient): Promise<void> {
  if (existsSync(programOf(client))) return;
  const cwd = placeOf(client);
  await mkdir(cwd, { recursive: true });
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', '--prefix', cwd, ...flags, `${client.package}@${client.version}`], { cwd });
}
