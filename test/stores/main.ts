import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StoreError, storesAt } from '@will/store';
import { surviveKills } from './kills.ts';
import { type RunningServer, serverKinds, type ServerKind } from './servers.ts';

/**
 * Tries servers that speak MongoDB's protocol: the contract of the stores, the product on them, and the product while
 * they are killed and restarted. Prints a table.
 *
 *   npm run stores -- [--only ferret]
 *
 * Servers come from package registries, once: SecantusDB needs Python 3.11, FerretDB Go. The exit code is 1 where a test
 * failed or something was lost.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = serverKinds.filter(({ name }) => name.toLowerCase().includes(options.only.toLowerCase()));
if (chosen.length === 0) {
  process.stderr.write(
    `--only ${options.only} must be in some of: ${serverKinds.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}

const rows = ['| server | release | store tests | product tests | killed and restarted |', '|---|---|---|---|---|'];
for (const kind of chosen) rows.push(await rowOf(kind));
process.stdout.write(`${rows.join('\n')}\n`);
process.exit();

async function rowOf(kind: ServerKind): Promise<string> {
  const cells = await tryServer(kind).catch((error: unknown) => {
    process.exitCode = 1;
    return [`not to be had here: ${(error as Error).message}`, '', ''];
  });
  return `| ${[kind.name, kind.version, ...cells].join(' | ')} |`;
}

async function tryServer(kind: ServerKind): Promise<readonly string[]> {
  await kind.bring();
  const refusal = await onServer(kind, refusalOf);
  if (refusal !== undefined) return [`refused when a store opens: ${refusal}`, '', ''];
  return [
    await onServer(kind, ({ uri }) => testsOn(uri, 'parts', 'packages/store/src/mongo')),
    await onServer(kind, ({ uri }) => testsOn(uri, 'system', 'test/e2e/mongodb.test.ts')),
    await onServer(kind, killed),
  ];
}

/** What it lacks, in words; undefined: nothing. */
async function refusalOf({ uri }: RunningServer): Promise<string | undefined> {
  const stores = storesAt({ dataDir: '', mongodbUri: uri });
  try {
    await (await stores.tasks()).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const lacks = error.message.split('\n').filter((line) => line.startsWith('- '));
    return `it lacks ${lacks.map((line) => `"${line.slice(2)}"`).join(' and ') || error.message}`;
  }
}

async function onServer<T>(kind: ServerKind, body: (server: RunningServer) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'will-store-'));
  const server = await kind.start(folder);
  try {
    return await body(server);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function testsOn(uri: string, project: string, files: string): Promise<string> {
  const report = join(await mkdtemp(join(tmpdir(), 'will-report-')), 'report.json');
  const args = ['run', '--project', project, files, '--reporter', 'json', '--outputFile', report];
  const env = { ...process.env, WILL_TEST_MONGODB_URI: uri };
  await once(spawn('vitest', args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  const text = await readFile(report, 'utf8');
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(text) as Report;
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed');
  if (numFailedTests > 0 || numPassedTests === 0) process.exitCode = 1;
  for (const { fullName } of failed) process.stderr.write(`failed on ${uri}: ${fullName}\n`);
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  return `${numPassedTests} passed, ${numFailedTests} failed${skipped}`;
}

async function killed(server: RunningServer): Promise<string> {
  if (server.killAndRestart === undefined) return 'it keeps nothing';
  const { durable, calls } = await surviveKills(server);
  if (durable.succeeded !== durable.submitted || calls.recorded !== calls.made) process.exitCode = 1;
  const tasks = `${durable.succeeded} of ${durable.submitted} durable tasks`;
  return `${tasks}, ${calls.recorded} records of ${calls.made} calls`;
}
