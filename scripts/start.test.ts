import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { closeDataFolder } from '@will/runtime';
import { freePort, writeTinyGguf } from '@will/testkit';
import { root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { isOneProcess, readSettings } from './start/settings.ts';

let folder = '';
let model = '';
const running: Started[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-start-'));
  model = join(folder, 'tiny.gguf');
  await writeTinyGguf(model);
});
// What a failed test left running.
afterEach(async () => {
  await Promise.all(
    running.splice(0).map(({ child, ended }) => {
      child.kill('SIGTERM');
      return ended;
    }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly httpPort: number;
  readonly adminPort: number;
  /** What it wrote so far. */
  output(): string;
  /** Resolves once it wrote this. */
  untilSays(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

async function startProduct(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Started> {
  const [httpPort, natsPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(root, 'scripts/start.ts'), ...flags], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      WILL_HTTP_PORT: String(httpPort),
      WILL_GRPC_PORT: '0',
      WILL_ADMIN_PORT: String(adminPort),
      WILL_NATS_PORT: String(natsPort),
      WILL_DATA_DIR: dataDir,
      WILL_FIRST_MODEL: model,
      WILL_GGUF_THREADS: '1',
      WILL_OLLAMA_URL: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      child.emit('wrote');
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const started: Started = {
    child,
    httpPort,
    adminPort,
    output: () => text,
    ended,
    async untilSays(wanted) {
      const early = ended.then((code) => {
        throw new Error(`it ended with ${code}:\n${text}`);
      });
      early.catch(() => {});
      while (!text.includes(wanted)) await Promise.race([once(child, 'wrote'), early]);
    },
  };
  running.push(started);
  return started;
}

/** The processes that this one started, by their ids. */
async function processesBelow(pid: number): Promise<number[]> {
  const { output } = await runProgram('ps', ['-eo', 'pid=,ppid=']);
  const rows = output
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, parent]) => parent === pid).map(([child = 0]) => child);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('what is wrong is one line with its cure, exit code 1, and nothing left behind', async () => {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const taken = String((listener.address() as AddressInfo).port);
  const bad = join(folder, 'bad.yaml');
  await writeFile(bad, 'models:\n  - name: X\n    tags: [text_gen]\n    call_method: Fax\n');
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ WILL_HTTP_PORT: taken }, /port \d+ is taken: .*WILL_HTTP_PORT/],
    [{ WILL_GRPC_PORT: taken }, /port \d+ is taken: .*WILL_GRPC_PORT/],
    [{ WILL_ADMIN_PORT: taken }, /port \d+ is taken: .*WILL_ADMIN_PORT to a free port, or to off/],
    [{ WILL_NATS_PORT: taken }, /port \d+ is taken: .*NATS_URL/],
    [{ WILL_HTTP_PORT: 'eighty' }, /WILL_HTTP_PORT "eighty" must be a whole number from 1 to 65535/],
    [{ WILL_DATA_DIR: join(model, 'below') }, /WILL_DATA_DIR .* cannot be written \(ENOTDIR\): make it writable/],
    [{ WILL_DOCUMENTS: join(folder, 'nothing') }, /WILL_DOCUMENTS .* does not exist/],
    [{ WILL_DOCUMENTS: bad }, /bad\.yaml:4: .*"Fax" must be one of/],
    [{ NATS_URL: 'nats://127.0.0.1:1' }, /no nats-server answers at 127\.0\.0\.1:1/],
    [{ WILL_DOCUMENTS: '', WILL_FIRST_MODEL: bad }, /WILL_FIRST_MODEL .* must be a gguf file/],
  ];
  for (const [at, [env, expected]] of cases.entries()) {
    const started = await startProduct(join(folder, `case-${at}`), env);
    expect(await started.ended).toBe(1);
    expect(started.output()).toMatch(expected);
    expect(started.output().trim().split('\n')).toHaveLength(1);
  }
  await new Promise((resolve) => listener.close(resolve));
});

test.runIf(process.platform === 'linux')(
  'all services are one process, which names one whose callback fails, and is started again when it dies',
  async () => {
    const dataDir = join(folder, 'one');
    const extension = join(folder, 'crashes.mjs');
    const order = join(folder, 'crash');
    await writeFile(
      extension,
      `import { existsSync, rmSync } from 'node:fs';
    export default { name: 'crashes' };
    setInterval(() => {
      if (!existsSync(${JSON.stringify(order)})) return;
      rmSync(${JSON.stringify(order)});
      throw new Error('as ordered');
    }, 20).unref();`,
    );
    const started = await startProduct(dataDir, { WILL_EXTENSIONS: extension });
    await started.untilSays('ready ');
    expect(await answersTask(started.httpPort)).toBe(200);
    await writeFile(order, '');
    await started.untilSays('a callback failed; the process goes on');
    expect(started.output()).toMatch(/(policy|provider-worker): error: a callback failed/);
    expect(await answersTask(started.httpPort)).toBe(200);
    const [host] = await filesOf(await processesBelow(started.child.pid as number), 'cmdline', 'one-process.ts');
    process.kill(host ?? 0, 'SIGKILL');
    await started.untilSays('services is up again');
    await expect.poll(() => answersTask(started.httpPort)).toBe(200);
    const below = await processesBelow(started.child.pid as number);
    expect(await filesOf(below, 'cmdline', 'one-process.ts')).toHaveLength(1);
    expect(await filesOf(below, 'cmdline', 'services/')).toEqual([]);
    expect(await filesOf(below, 'cmdline', '--disable-sigusr1')).toHaveLength(1);
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    await untilGone(below);
  },
);

test.each([
  [{ WILL_KEYS: 'required' }, false],
  [{ WILL_LISTEN_HOST: '0.0.0.0' }, false],
  [{ WILL_ADMIN_HOST: '::' }, false],
  [{ WILL_METRICS_HOST: '10.0.0.1' }, false],
  [{ WILL_PROCESSES: 'separate' }, false],
  [{ WILL_LISTEN_HOST: '::1', WILL_KEYS: 'off' }, true],
  [{}, true],
])('with %j services are one process: %s', (env, isOne) => {
  expect(isOneProcess(readSettings(env), false)).toBe(isOne);
  expect(isOneProcess(readSettings(env), true)).toBe(false);
});

/** The status that a task is answered with; 0: nobody is there. */
async function answersTask(httpPort: number): Promise<number> {
  const body = JSON.stringify({ model: 'text_gen', max_tokens: 4, messages: [{ role: 'user', content: 'Hello' }] });
  const headers = { 'content-type': 'application/json' };
  const url = `http://127.0.0.1:${httpPort}/v1/chat/completions`;
  return fetch(url, { method: 'POST', headers, body }).then(
    ({ status }) => status,
    () => 0,
  );
}

test('as separate processes it answers a task, starts a killed service again, and ends all on SIGTERM', async () => {
  const dataDir = join(folder, 'whole');
  const secret = 'canary-of-the-environment-2297';
  await mkdir(join(dataDir, 'logs'), { recursive: true });
  await chmod(join(dataDir, 'logs'), 0o755);
  const started = await startProduct(dataDir, { SOME_PROVIDERS_KEY: secret, WILL_PROCESSES: 'separate' });
  await started.untilSays(`ready http://127.0.0.1:${started.httpPort}`);
  expect(await answersTask(started.httpPort)).toBe(200);
  expect(started.output()).toContain(`console http://127.0.0.1:${started.adminPort}`);
  const page = await fetch(`http://127.0.0.1:${started.adminPort}/`);
  expect(await page.text()).toMatch(/<script type="module" src="\/main-[A-Z0-9]{8}\.js">/);
  const now = await fetch(`http://127.0.0.1:${started.adminPort}/admin/v1/now`);
  expect(await now.json()).toMatchObject({
    problems: expect.any(Array) as unknown,
    models: expect.any(Array) as unknown,
  });
  const run = JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8')) as { pid: number; httpUrl: string };
  expect(run).toMatchObject({ pid: started.child.pid, httpUrl: `http://127.0.0.1:${started.httpPort}` });

  if (process.platform !== 'win32') {
    expect(started.output()).toMatch(/were open to other users: now only to you/);
    expect(await openToOthers(dataDir)).toEqual([]);
  }

  const second = await startProduct(dataDir);
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain(`is in use by process ${started.child.pid}`);

  const { output } = await runProgram('ps', ['-eo', 'pid=,ppid=,args=']);
  const router = output
    .split('\n')
    .find((line) => line.includes(`${started.child.pid} `) && /services\/router/.test(line));
  process.kill(Number(router?.trim().split(/\s+/)[0]), 'SIGKILL');
  await started.untilSays('router is up again');

  const below = await processesBelow(started.child.pid as number);
  if (process.platform === 'linux') {
    const holders = await filesOf(below, 'environ', secret);
    // Not even the processes that the worker starts for models.
    expect(holders).toHaveLength(1);
    expect(await filesOf(below, 'cmdline', 'services/provider-worker')).toEqual(holders);
    // No signal opens the inspector of a service.
    expect(await filesOf(below, 'cmdline', '--disable-sigusr1')).toEqual(await filesOf(below, 'cmdline', 'services/'));
  }
  expect(below.length).toBeGreaterThanOrEqual(7);
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(0);
  await untilGone(below);
  // The folder is closed too, since everything that the product leaves in it is known as its own.
  await chmod(dataDir, 0o755);
  expect(await closeDataFolder(dataDir)).toBe(1);
});

/** Files and folders below a folder, and it, that other users of the machine could use; links belong elsewhere. */
async function openToOthers(folder: string): Promise<string[]> {
  const names = ['.', ...(await readdir(folder, { recursive: true }))];
  expect(names.length).toBeGreaterThan(20);
  const found: string[] = [];
  for (const name of names) {
    const it = await lstat(join(folder, name)).catch(() => undefined);
    const isElsewhere = !it || it.isSymbolicLink() || (it.isFile() && it.nlink > 1);
    if (!isElsewhere && (it.mode & 0o077) !== 0) found.push(name);
  }
  return found;
}

/** Of which processes a file in `/proc` holds a text. */
async function filesOf(pids: readonly number[], file: 'environ' | 'cmdline', text: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of pids)
    if ((await readFile(`/proc/${pid}/${file}`).catch(() => Buffer.alloc(0))).includes(text)) found.push(pid);
  return found;
}

test('a supervisor that is killed leaves nothing running, and the next start waits for that', async () => {
  const dataDir = join(folder, 'killed');
  const started = await startProduct(dataDir);
  await started.untilSays('ready ');
  const below = await processesBelow(started.child.pid as number);
  started.child.kill('SIGKILL');
  await started.ended;
  await untilGone(below);
  const again = await startProduct(dataDir);
  await again.untilSays('ready ');
  again.child.kill('SIGINT');
  expect(await again.ended).toBe(0);
});

test('with --secure its bus has users and TLS: a task goes through, `willm` finds its way in, and nobody else does', async () => {
  const dataDir = join(folder, 'secure');
  const started = await startProduct(dataDir, {}, ['--secure']);
  await started.untilSays(`ready http://127.0.0.1:${started.httpPort}`);
  const willm = (env: Readonly<Record<string, string>>): ReturnType<typeof runProgram> =>
    runProgram(
      process.execPath,
      [join(root, 'packages/cli/src/main.ts'), 'run', 'text_gen', 'Hello', '--max-tokens', '4'],
      {
        env: { ...process.env, ...env },
      },
    );
  expect(await willm({ NATS_URL: '', WILL_DATA_DIR: dataDir })).toMatchObject({ code: 0 });
  const { natsUrl } = JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8')) as { natsUrl: string };
  const stranger = await willm({ NATS_URL: natsUrl });
  expect(stranger).toMatchObject({ code: 3 });
  expect(stranger.output).toMatch(/wants TLS/);
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(0);
});
