// `npm start`: one supervisor in the foreground, and the whole product below it, in one process or as one for each service.
import { rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { closeDataFolder, makeFilesPrivate } from '@will/runtime';
import type { BusFolder } from '@will/bus-server';
import { isFirstModelNamed, placeFirstModel } from './first-model.ts';
import { bringLlamaBuild } from './llama-builds.ts';
import { root } from './paths.ts';
import { bringNatsServer } from './nats-server.ts';
import { runProgram } from './run-program.ts';
import { Mendable, messageOf, say, seconds } from './say.ts';
import { checkPrerequisites, holdDataDir } from './start/checks.ts';
import { keptNats } from './start/embedded-nats.ts';
import type { KeptProcess } from './start/kept-process.ts';
import { drainMsOf, type ServiceName, startOrder, stopInOrder } from './start/order.ts';
import { type Environment, inherited } from './start/environment.ts';
import { keptService, keptServices } from './start/service.ts';
import { environmentAs, filesAs, prepareSecureBus } from './start/secure-bus.ts';
import { isOneProcess, readSettings, displayPath, type StartSettings } from './start/settings.ts';

/** On top of the time that calls in flight get. */
const stopGraceMs = 2_500;
/** The last in the queue has at least this long. */
const leastGraceMs = 250;
const startedMs = Date.now();
makeFilesPrivate();
const running: KeptProcess[] = [];
const cleanUp: (() => Promise<void>)[] = [];
// Whatever ends this process, nothing stays behind.
process.on('exit', () => {
  for (const kept of running) kept.kill();
});
const stopped = untilAskedToStop();

let isStopping = false;
let exitCode = 0;
let drainMs = 0;
try {
  const settings = readSettings(process.env);
  drainMs = settings.drainMs;
  const isUp = await Promise.race([bringUp(settings).then(() => true), stopped.then(() => false)]);
  if (isUp) await stopped;
  say('stopping');
} catch (error) {
  exitCode = 1;
  const isExpected = error instanceof Mendable || (error instanceof Error && error.name === 'SettingsError');
  say(isExpected ? messageOf(error) : `this should not happen: ${(error as Error).stack ?? messageOf(error)}`);
}
isStopping = true;
await stopAll();
for (const clean of cleanUp) await clean();
process.exit(exitCode);

/** Ends everything within the drain time and a grace. */
async function stopAll(): Promise<void> {
  const untilMs = performance.now() + drainMs + stopGraceMs;
  await stopInOrder(running, (kept) => kept.stop(Math.max(leastGraceMs, Math.round(untilMs - performance.now()))));
}

async function bringUp(settings: StartSettings): Promise<void> {
  await checkPrerequisites(settings);
  cleanUp.push(await holdDataDir(settings.dataDir));
  await closeToOthers(settings.dataDir);
  await bringLlamaBuild();
  if (await isFirstModelNamed(settings.documents)) await placeFirstModel(settings.dataDir, settings.firstModel);
  const isSecure = process.argv.includes('--secure');
  if (isSecure && settings.natsUrl !== undefined)
    throw new Mendable(
      '--secure is for the bus that npm start brings: unset NATS_URL, or give that bus users of its own',
    );
  const secure = isSecure ? await prepareSecureBus(settings.dataDir) : undefined;
  const natsUrl = settings.natsUrl ?? (await startNats(settings, secure));
  const httpUrl = `${settings.tlsCert === undefined ? 'http' : 'https'}://127.0.0.1:${settings.httpPort}`;
  await tellWhereWeAre(settings, { natsUrl, httpUrl, ...(secure && filesAs('operator', secure)) });
  const env = environmentOf(settings, natsUrl);
  await prepareConsole(settings);
  const groups = startOrder.map((group) =>
    group
      .filter((name) => name !== 'console' || settings.adminPort !== undefined)
      .map((name) => ({ name, env: { ...env, ...ownEnvironment(name, settings, secure) } })),
  );
  if (isOneProcess(settings, isSecure)) await start(keptServices({ groups }, settings.dataDir));
  else
    for (const group of groups)
      await Promise.all(group.map(({ name, env: own }) => start(keptService(name, own, settings.dataDir))));
  await untilAnswering(httpUrl);
  await lookForOllama(settings.ollamaUrl);
  greet(settings, httpUrl);
}

/** Builds the console from its sources; where that fails its API still answers. */
async function prepareConsole({ adminPort }: StartSettings): Promise<void> {
  if (adminPort === undefined) return;
  // In a process that sees no keys: the bundler starts one of its own.
  const { code, output } = await runProgram(process.execPath, [join(root, 'packages/console/src/main.ts')], {
    cwd: root,
    env: inherited('console'),
  });
  if (code !== 0) say(`the console could not be built, only its API answers: ${output.trim()}`);
}

/** What an earlier release left readable for every user of this machine. */
async function closeToOthers(dataDir: string): Promise<void> {
  const closed = await closeDataFolder(dataDir);
  if (closed > 0)
    say(`${closed} files and folders in ${displayPath(dataDir)} were open to other users: now only to you`);
}

async function start(kept: KeptProcess): Promise<void> {
  if (isStopping) return;
  running.push(kept);
  await kept.start();
}

async function startNats({ natsPort, dataDir }: StartSettings, secure: BusFolder | undefined): Promise<string> {
  const conf = secure?.conf ?? join(root, 'deploy/nats/embedded.conf');
  await start(keptNats(await bringNatsServer(), natsPort, dataDir, conf, secure));
  return `nats://127.0.0.1:${natsPort}`;
}

/** The command line finds a running product by this file. */
async function tellWhereWeAre({ dataDir, tlsCert, grpcPort }: StartSettings, addresses: object): Promise<void> {
  const path = join(dataDir, 'run.json');
  const grpcUrl = grpcPort === 0 ? undefined : `${tlsCert === undefined ? 'grpc' : 'grpcs'}://127.0.0.1:${grpcPort}`;
  // It may hold the password of a NATS_URL.
  await writeFile(path, `${JSON.stringify({ ...addresses, grpcUrl, pid: process.pid })}\n`, { mode: 0o600 });
  cleanUp.push(() => rm(path, { force: true }));
}

function ownEnvironment(name: ServiceName, settings: StartSettings, secure: BusFolder | undefined): Environment {
  return {
    WILL_DRAIN_MS: String(drainMsOf(name, settings.drainMs)),
    ...metricsPortOf(name, settings),
    ...(secure && environmentAs(name, secure)),
  };
}

function environmentOf(settings: StartSettings, natsUrl: string): Environment {
  return {
    NATS_URL: natsUrl,
    WILL_DATA_DIR: settings.dataDir,
    WILL_HTTP_PORT: String(settings.httpPort),
    WILL_GRPC_PORT: String(settings.grpcPort),
    WILL_DOCUMENTS: settings.documents,
    ...(settings.adminPort !== undefined && { WILL_ADMIN_PORT: String(settings.adminPort) }),
  };
}

/** One port each: the first that is set, and those behind it; none set: any that are free, which `willm status` shows. */
function metricsPortOf(name: ServiceName, { metricsPort }: StartSettings): Environment {
  if (metricsPort === undefined) return { WILL_METRICS_PORT: '0' };
  return { WILL_METRICS_PORT: String(metricsPort + startOrder.flat().indexOf(name)) };
}

/** The server knows when a task can be answered. Why not yet is said when it takes long, and again when it changes. */
async function untilAnswering(httpUrl: string): Promise<void> {
  const quietUntilMs = Date.now() + 10_000;
  let said = '';
  while (true) {
    const reason = await whyNotAnswering(httpUrl);
    if (reason === undefined) return;
    if (Date.now() > quietUntilMs && reason !== said) {
      say(`not ready yet: ${reason}`);
      said = reason;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function whyNotAnswering(httpUrl: string): Promise<string | undefined> {
  try {
    const { status, body } = await askHealth(`${httpUrl}/healthz`);
    return status === 200 ? undefined : reasonIn(body);
  } catch (error) {
    return `the HTTP server does not answer (${messageOf(error)})`;
  }
}

/** Its certificate is for the names that callers use, which ours, the loopback address, need not be. */
function askHealth(url: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const ask = url.startsWith('https:') ? https.get : http.get;
    const request = ask(url, { timeout: 2_000, rejectUnauthorized: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 2 s')));
    request.on('error', reject);
  });
}

function reasonIn(body: string): string {
  try {
    const { reason } = JSON.parse(body) as { reason?: unknown };
    return typeof reason === 'string' ? reason : 'no task can be answered yet; `willm status` says more';
  } catch {
    return body;
  }
}

/** The sample documents have models of an Ollama; where one runs, its reader may like to know. */
async function lookForOllama(url: string): Promise<void> {
  if (url === 'off') return;
  try {
    const response = await fetch(`${url}/api/tags`, { signal: AbortSignal.timeout(500) });
    const { models = [] } = (await response.json()) as { models?: { name: string }[] };
    say(
      `Ollama answers at ${url} with ${models.length === 0 ? 'no model' : models.map(({ name }) => name).join(', ')}`,
    );
  } catch {
    // Nobody there, which is fine.
  }
}

function greet({ dataDir, adminPort }: StartSettings, httpUrl: string): void {
  const willm = displayPath(dataDir) === '.will' ? './willm' : `WILL_DATA_DIR=${displayPath(dataDir)} ./willm`;
  const console = adminPort === undefined ? '' : `console http://127.0.0.1:${adminPort}\n`;
  process.stdout.write(`ready ${httpUrl}
${console}
In a second terminal:
  ${willm} run text_gen "Explain what a message bus is in one sentence." --stream
  ${willm} logs
  curl ${httpUrl.startsWith('https') ? '--insecure ' : ''}${httpUrl}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"text_gen","max_tokens":40,"messages":[{"role":"user","content":"Hello"}]}'

Up in ${seconds(startedMs)}. Logs: ${displayPath(join(dataDir, 'logs'))}. Ctrl-C stops everything.
`);
}

/** Resolves at the first request to stop. One more, a second later or after that, no longer waits for anybody. */
function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    let firstMs = 0;
    const onSignal = (): void => {
      firstMs ||= Date.now();
      resolve();
      // npm and the terminal may both hand us the same Ctrl-C.
      if (Date.now() - firstMs > 1_000) process.exit(130);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}
