import { expect, test } from 'vitest';
import { runCli } from './program.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

async function said(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal({ env: { NATS_URL: 'nats://127.0.0.1:1' } });
  const code = await runCli(args, terminal);
  return { code, out: terminal.stdout(), err: terminal.stderr() };
}

test.each([
  [[], /Usage: willm/],
  [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run/],
  [['run'], /missing required argument 'type'/],
  [['run', 'text_gen'], /the text is empty; give some.*--file/],
  [['run', 'Text Gen', 'x'], /'Text Gen' is invalid.*must match/],
  [['run', 'text_gen', ''], /the text is empty/],
  [
    ['run', 'text_gen', 'x', '--priority', 'urgent'],
    /'urgent' is invalid. Allowed choices are background, normal, high/,
  ],
  [
    ['run', 'text_gen', 'x', '--data-class', 'secret'],
    /Allowed choices are open, customer, sensitive, customer-sensitive/,
  ],
  [['run', 'text_gen', 'x', '--client', 'a', '--client', 'b'], /'b' is invalid. It is stated twice/],
  [['explain', 'code', '--data-class', 'sensitive', '--data-class', 'open'], /'open' is invalid. It is stated twice/],
  [['submit', 'code', 'x', '--project', 'a', '--project=a'], /'a' is invalid. It is stated twice/],
  [['run', 'text_gen', 'x', '--max-tokens', '0'], /'0' is invalid. It must be a whole number from 1 to 10000000/],
  [['run', 'text_gen', 'x', '--timeout-ms', '1e3'], /'1e3' is invalid. It must be a whole number from 1 to 3600000/],
  [
    ['run', 'text_gen', 'x', '--first-token-timeout-ms', '0'],
    /'0' is invalid. It must be a whole number from 1 to 3600000/,
  ],
  [
    ['run', 'text_gen', 'x', '--idle-timeout-ms', '3600001'],
    /'3600001' is invalid. It must be a whole number from 1 to 3600000/,
  ],
  [['run', 'text_gen', 'x', '--client', '  '], /must have 1 to 128 characters/],
  [['run', 'text_gen', 'x', '--colour'], /unknown option '--colour'/],
  [['apply'], /required option '-f, --file <path...>' not specified/],
  [['apply', '-f', '/nowhere/at/all'], /\/nowhere\/at\/all cannot be read \(ENOENT\)/],
  [['history', 'modls', 'x'], /'modls' is invalid.*models, routes, task_types, clients/],
  [['history', 'model'], /which model\? `willm get models` lists them/],
  [['diff'], /say which document, or --from which revision/],
  [['diff', '--from', 'x'], /'x' is invalid. It must be a whole number from 0/],
  [['rollback'], /missing required argument 'revision'/],
  [['rollback', '0'], /'0' is invalid.*It must be a whole number from 1/],
  [['validate'], /missing required argument 'files'/],
  [['validate', '/nowhere/at/all'], /\/nowhere\/at\/all cannot be read \(ENOENT\)/],
  [['export', '--kind', 'modls'], /'modls' is invalid/],
  [['get', 'modls'], /'modls' is invalid.*models, routes, task_types, clients/],
  [['explain', 'text_gen', '--input', 'smell'], /"smell" must be one of text, image/],
  [['logs', '--since', 'yesterday'], /'yesterday' is invalid. It must be an ISO time, or a time ago such as 15m/],
  [['logs', '--limit', '5000'], /from 1 to 1000/],
  [
    ['keys', 'create', '--client', 'acme', '--expires', 'tomorrow'],
    /'tomorrow' is invalid. It must be an ISO time, or a time from now such as 15m/,
  ],
  [['logs', '--outcome', 'Failed'], /Allowed choices are Success, Timeout, Blocked/],
])('%j is bad usage: exit 2, and the message names the value and what was allowed', async (args, message) => {
  const { code, err, out } = await said(...args);
  expect(err).toMatch(message);
  expect(code).toBe(2);
  expect(out).toBe('');
});

test('help is an answer, not a mistake', async () => {
  for (const args of [['--help'], ['run', '--help'], ['help', 'apply']]) {
    const { code, out } = await said(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/Usage: willm/);
  }
});

test.each([
  [['run', 'text_gen', 'x']],
  [['get', 'models']],
  [['explain', 'text_gen']],
  [['logs']],
  [['status']],
  [['decision', 'abc']],
  [['history', 'model', 'GPT-4']],
  [['history']],
  [['diff', 'model', 'GPT-4']],
  [['rollback', '3']],
  [['export']],
])('%j without a bus is exit 3 and one line that says how to mend it', async (args) => {
  const { code, err } = await said(...args);
  expect(err).toBe(
    'willm: no nats-server answers at nats://127.0.0.1:1 (from NATS_URL); run `npm start`, or set NATS_URL to where it runs\n',
  );
  expect(code).toBe(3);
});
