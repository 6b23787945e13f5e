// `npm test`: all checks, then all tests against a real nats-server. The last line is the count of both.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './checks.ts';
import { bringLlamaBuild } from './llama-builds.ts';
import { bringMongoServer } from './mongo-server.ts';
import { bringNatsServer } from './nats-server.ts';
import { root } from './paths.ts';
import { messageOf, say, seconds } from './say.ts';
import type { TestCounts } from './test-counts.ts';

const started = Date.now();
const checks = await runChecks();
const tests = await runTests().catch((error: unknown): TestCounts => {
  say(messageOf(error));
  return { files: 0, passed: 0, failed: 1, skipped: [] };
});
const hasTests = tests.passed + tests.failed > 0;
if (!hasTests) console.log('FAILED no test ran');

const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed + (hasTests ? 0 : 1);
console.log(`\n${checks.passed + checks.failed} checks and ${tests.files} test files in ${seconds(started)}`);
for (const skipped of tests.skipped) console.log(`skipped: ${skipped}`);
const skipped = tests.skipped.length > 0 ? `, ${tests.skipped.length} skipped` : '';
console.log(`${passed} passed, ${failed} failed${skipped}`);
process.exit(failed === 0 ? 0 : 1);

/** Runs vitest as a process of its own; the counts come back through a file, the rest goes to the terminal. */
async function runTests(): Promise<TestCounts> {
  const natsServer = await bringNatsServer();
  await bringLlamaBuild();
  await bringMongoServer();
  const folder = await mkdtemp(join(tmpdir(), 'will-test-'));
  const file = join(folder, 'counts.json');
  try {
    const reporters = ['--reporter=default', '--reporter=./scripts/test-counts.ts'];
    const code = await untilEnd('vitest', ['run', ...reporters, ...process.argv.slice(2)], {
      ...withoutSettings(process.env),
      WILL_TEST_COUNTS: file,
      WILL_NATS_SERVER: natsServer,
    });
    const counts = await readCounts(file, code);
    // Whatever vitest did not like beyond the tests must not pass for good.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCounts(file: string, code: number): Promise<TestCounts> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as TestCounts;
  } catch {
    throw new Error(`vitest ended with ${code} and left no counts`);
  }
}

/** Tests bring their own backends; the developer's must not reach them. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(WILL_(?!TEST_FORM$)|NATS_URL$|\w+_API_KEY$)/.test(name)),
  );
}

function untilEnd(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}
