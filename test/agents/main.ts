import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { System } from '../support/system.ts';
import { type AgentClient, agentClients } from './clients.ts';
import { installClient, programOf } from './install.ts';
import { startRecorder } from './recorder.ts';
import { jobWord, planTurns } from './scripted-model.ts';
import { type Scenario, scenarios, undisturbed } from './scenarios.ts';
import { type AgentUpstream, type SeenTurn, startAgentUpstream } from './upstream.ts';
import { families, type Family, startAgentWorld } from './world.ts';

/**
 * Real coding agents against the product, in a network namespace without a way out: a scripted model lets each write a
 * file, run its check, fix it and run it again.
 *
 *   npm run agents -- [--only claude-code,codex] [--family anthropic] [--scenario undisturbed] [--keep FILE]
 *
 * Needs Linux with `unshare` and the right to use it, and npm. `--keep` writes what the models of
 * the last job were shown; `--record` renews the shapes of requests that `npm test` replays.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    family: { type: 'string', default: '' },
    scenario: { type: 'string', default: '' },
    keep: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const jobWithinMs = 120_000;
const disturbed: ReadonlySet<string> = new Set(['claude-code', 'codex']);
const check = `import { sum } from './sum.mjs';
if (sum(2, 3) !== 5) throw new Error('sum is wrong');
console.log('check passed');
`;
const isWanted = (list: string, name: string): boolean => list === '' || list.split(',').includes(name);
const wantedClients = (): readonly AgentClient[] => agentClients.filter(({ name }) => isWanted(options.only, name));

/** Brings the clients, then runs everything else where no way leads out. */
async function outside(): Promise<number> {
  for (const client of wantedClients()) await installClient(client);
  const inner = `ip link set lo up && exec "$0" "$@"`;
  const child = spawn('unshare', ['--net', 'sh', '-c', inner, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, WILL_AGENTS_INSIDE: '1' },
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

async function inside(): Promise<number> {
  const upstream = await startAgentUpstream();
  const system = await startAgentWorld(upstream);
  const recorder = options.record ? await startRecorder(system.httpUrl) : undefined;
  let faults = 0;
  try {
    for (const row of rows()) {
      const began = Date.now();
      const fault = await runJob(row, system, upstream, recorder?.url);
      await recorder?.keep(`${row.client.name}-${row.dialect}`);
      if (fault !== undefined) faults += 1;
      say(`${lineOf(row)} ${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${fault ?? 'ok'}`);
    }
  } finally {
    await recorder?.close();
    await system.stop();
    await upstream.close();
  }
  say(faults === 0 ? 'all ok' : `${faults} failed`);
  return faults === 0 ? 0 : 1;
}

interface Row {
  readonly client: AgentClient;
  readonly dialect: string;
  readonly family: Family;
  readonly scenario: Scenario;
}

/** Every client in every dialect that it speaks, with every family; the two that matter most through all scenarios. */
const rows = (): readonly Row[] =>
  wantedClients().flatMap((client) =>
    client.dialects.flatMap((dialect) =>
      families
        .filter((family) => isWanted(options.family, family))
        .flatMap((family) =>
          (disturbed.has(client.name) ? scenarios : [undisturbed])
            .filter(({ name }) => isWanted(options.scenario, name))
            .map((scenario) => ({
              client,
              dialect,
              family,
              scenario,
            })),
        ),
    ),
  );

const lineOf = ({ client, dialect, family, scenario }: Row): string =>
  `${client.name.padEnd(11)} ${client.version.padEnd(8)} ${dialect.padEnd(9)} ${family.padEnd(17)} ${scenario.name.padEnd(29)}`;

/** Why a job did not end as it should; undefined: it did. */
async function runJob(
  row: Row,
  system: System,
  upstream: AgentUpstream,
  recorderUrl?: string,
): Promise<string | undefined> {
  const { client, dialect, family, scenario } = row;
  const home = await mkdtemp(join(tmpdir(), 'will-agent-'));
  const workspace = await mkdtemp(join(tmpdir(), 'will-job-'));
  await writeFile(join(workspace, 'check.mjs'), check);
  upstream.seen.splice(0);
  const prompt = `${jobWord}: write sum.mjs so that node check.mjs passes.`;
  const model = scenario.modelFor(family);
  const end = scenario.begin(system, upstream, model);
  const job = {
    home,
    workspace,
    url: recorderUrl ?? system.httpUrl,
    model,
    dialect,
    prompt,
    headers: scenario.headers,
  };
  const { args, env } = await client.setUp(job);
  const base = { HOME: home, PATH: process.env['PATH'] ?? '', TERM: 'dumb' };
  const ran = await run(programOf(client), args, workspace, { ...base, ...env });
  await end();
  if (options.keep) await writeFile(options.keep, JSON.stringify({ ran, seen: upstream.seen }, null, 1));
  const fault = await faultOf(ran, workspace, upstream.seen);
  await rm(home, { recursive: true, force: true });
  await rm(workspace, { recursive: true, force: true });
  const returnsReasoning = client.returnsReasoningIn.includes(dialect);
  return fault ?? scenario.faultIn(jobTurns(upstream.seen), model, returnsReasoning);
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

const jobTurns = (seen: readonly SeenTurn[]): readonly SeenTurn[] =>
  seen.filter(({ conversation }) => conversation?.said.includes(jobWord) && conversation.tools.length > 0);

async function faultOf(
  { code, output }: Ran,
  workspace: string,
  seen: readonly SeenTurn[],
): Promise<string | undefined> {
  const refused = seen.find(({ refusal }) => refusal !== undefined);
  if (refused) return `the provider refused: ${refused.refusal}`;
  const how = `exit ${code}: ${output.slice(-600)}`;
  if (seen.length === 0) return `no request reached the provider; ${how}`;
  const written = await readFile(join(workspace, 'sum.mjs'), 'utf8').catch(() => undefined);
  if (!written?.includes('a + b')) return `the file is not as the model wrote it; ${how}`;
  return toolFault(seen) ?? (code === 0 ? undefined : how);
}

function toolFault(seen: readonly SeenTurn[]): string | undefined {
  const turns = jobTurns(seen).at(-1)?.conversation?.turns ?? [];
  if (turns.length !== planTurns) return `stopped after ${turns.length} of ${planTurns} turns`;
  if (!/sum is wrong/.test(turns[1]?.results.join() ?? '')) return 'the failing check was not shown to the model';
  if (!/check passed/.test(turns[3]?.results.join() ?? '')) return 'the passing check was not shown to the model';
  return turns[0]?.results.length === 2 ? undefined : 'two calls at once did not come back as two';
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), jobWithinMs);
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(chunks).toString() });
    });
  });
}

process.exit(process.env['WILL_AGENTS_INSIDE'] === '1' ? await inside() : await outside());
