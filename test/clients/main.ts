import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { startTestServer } from '../../services/gateway/src/testing/test-server.ts';
import { shownIn, weatherModel, wholeConversation } from '../../services/gateway/src/testing/weather-model.ts';

// Python's clients against the gateway: `npm run clients`. Needs Python 3.10 or newer and its package index, once.

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;
const venv = `${root}.cache/clients/venv`;
const script = `${root}test/clients/clients.py`;
const maxMs = 120_000;

async function prepare(): Promise<void> {
  await mkdir(`${root}.cache/clients`, { recursive: true });
  await run('python3', ['-m', 'venv', venv]);
  await run(`${venv}/bin/pip`, ['install', '--quiet', '--requirement', `${root}test/clients/requirements.txt`]);
}

async function python(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(`${venv}/bin/python`, [script, ...args], { timeout: maxMs });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as unknown;
}

await prepare();
const server = await startTestServer();
server.tasks.script = weatherModel;

/** Why a conversation is not what it should be; undefined: it is. */
async function fault(client: string, dialect: string, how: string): Promise<string | undefined> {
  server.tasks.requests.length = 0;
  try {
    const answers = await python(client, dialect, how, `${server.url}/v1`);
    // It asks once, for an object.
    if (client === 'instructor') return isDeepStrictEqual(answers, ['Oslo']) ? undefined : JSON.stringify(answers);
    if (!isDeepStrictEqual(answers, ['Rain.', 'Still rain.'])) return JSON.stringify(answers);
    const shown = shownIn(server.tasks.requests.at(-1));
    return isDeepStrictEqual(shown, wholeConversation) ? undefined : `the model was shown ${JSON.stringify(shown)}`;
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    return (stderr ?? message).trim().split('\n').slice(-3).join(' | ');
  }
}

const matrix = (await python()) as Record<string, readonly string[]>;
let faults = 0;
for (const [client, dialects] of Object.entries(matrix))
  for (const dialect of dialects)
    for (const how of ['whole', 'streamed']) {
      const found = await fault(client, dialect, how);
      if (found !== undefined) faults += 1;
      process.stdout.write(`${client.padEnd(18)} ${dialect.padEnd(10)} ${how.padEnd(9)} ${found ?? 'ok'}\n`);
    }
await server.stop();
process.stdout.write(faults === 0 ? 'all ok\n' : `${faults} failed\n`);
process.exitCode = faults === 0 ? 0 : 1;
