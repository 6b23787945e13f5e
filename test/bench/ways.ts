import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceProcess } from '@will/runtime';
import { freePort } from '@will/testkit';
import { compileCache } from '../support/programs.ts';
import { helper } from './helper.ts';

/** One way to the upstream. */
export interface Way {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** All processes that work for it. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): void;
}

/** The least that a path of one, two and three processes can cost here. */
export async function startFloors(natsUrl: string, natsPid: number, upstreamUrl: string): Promise<readonly Way[]> {
  const start = (role: string) =>
    helper('./floor-process.ts', { NATS_URL: natsUrl, BENCH_UPSTREAM: upstreamUrl, BENCH_ROLE: role });
  const [single, two, three, router, worker] = await Promise.all([
    start('single'),
    start('server of two'),
    start('server of three'),
    start('router'),
    start('worker'),
  ]);
  const wayOf = (name: string, url: string, children: Readonly<Record<string, ChildProcess>>): Way => ({
    name,
    url,
    headers: {},
    pids: {
      ...Object.fromEntries(Object.entries(children).map(([role, { pid }]) => [role, pid ?? 0])),
      ...(name !== 'floor, one process' && { 'nats-server': natsPid }),
    },
    stop() {
      for (const child of Object.values(children)) if (child.connected) child.disconnect();
    },
  });
  return [
    wayOf('floor, one process', single.url, { server: single.child }),
    wayOf('floor, two hops', two.url, { server: two.child, worker: worker.child }),
    wayOf('floor, three hops', three.url, { server: three.child, router: router.child, worker: worker.child }),
  ];
}

/** Resolves once somebody answers there. */
async function untilAnswers(name: string, url: string, limitMs: number): Promise<void> {
  const giveUpMs = performance.now() + limitMs;
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    );
  while (!(await answers())) {
    if (performance.now() > giveUpMs) throw new Error(`${name} did not answer at ${url} within ${limitMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const wayOfChild = (name: string, child: ChildProcess, url: string, headers: Way['headers']): Way => ({
  name,
  url,
  headers,
  pids: { [name]: child.pid ?? 0 },
  stop: () => void child.kill('SIGKILL'),
});

export async function startPortkey(upstreamUrl: string): Promise<Way> {
  const port = await freePort();
  const program = fileURLToPath(import.meta.resolve('@portkey-ai/gateway/build/start-server.js'));
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers('Portkey', url, 20_000);
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstreamUrl}/v1` };
  return wayOfChild('Portkey', child, url, headers);
}

/** Of later releases one was reported as compromised; never take the newest. */
const liteLlmVersion = '1.81.0';

/** Undefined: it is not installed; {@link howToInstall} says how. */
export async function startLiteLlm(upstreamUrl: string, folder: string): Promise<Way | undefined> {
  const program = join(liteLlmFolder, 'bin/litellm');
  if (!existsSync(program)) return undefined;
  const config = join(folder, 'litellm.yaml');
  const model = (name: string): string =>
    `  - model_name: ${name}\n    litellm_params: { model: openai/${name}, api_base: ${upstreamUrl}/v1, api_key: none }\n`;
  await writeFile(config, `model_list:\n${model('bench')}${model('paced')}`);
  const port = await freePort();
  const args = ['--config', config, '--port', String(port), '--host', '127.0.0.1', '--num_workers', '1'];
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, LITELLM_LOG: 'ERROR', LITELLM_TELEMETRY: 'False' };
  const child = spawn(program, args, { stdio: 'ignore', env });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers('LiteLLM', `${url}/health/liveliness`, 90_000);
  return wayOfChild('LiteLLM', child, url, {});
}

const liteLlmFolder = fileURLToPath(new URL(`../../.cache/litellm-${liteLlmVersion}`, import.meta.url));

export const howToInstall = `python3 -m venv .cache/litellm-${liteLlmVersion} && .cache/litellm-${liteLlmVersion}/bin/pip install 'litellm[proxy]==${liteLlmVersion}'`;

/** All services of the product in one process, as `npm start` hosts them, on a bus that is there. */
export async function startOneProcess(env: Readonly<Record<string, string>>, names: readonly string[]): Promise<Way> {
  const port = await freePort();
  const own = { ...env, WILL_HTTP_PORT: String(port), WILL_GRPC_PORT: '0' };
  const { execArgv, env: environment } = serviceProcess(compileCache());
  const child = fork(new URL('../../scripts/start/one-process.ts', import.meta.url), {
    env: { PATH: process.env['PATH'] ?? '', WILL_LOG_LEVEL: 'warn', ...environment },
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.send({ groups: names.map((name) => [{ name, env: own }]) });
  await new Promise<void>((resolve, reject) =>
    child.on('message', ({ kind, message }: { readonly kind: string; readonly message?: string }) =>
      kind === 'ready' ? resolve() : reject(new Error(message)),
    ),
  );
  return wayOfChild('product, one process', child, `http://127.0.0.1:${port}`, {});
}
