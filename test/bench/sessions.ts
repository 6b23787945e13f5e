import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startSystem } from '../support/system.ts';
import { helper, models } from './helper.ts';
import { measure, warmUp } from './measure.ts';
import { pairedRatio } from './paired-ratio.ts';

/**
 * What it costs that a call names the session it belongs to: pairs of stretches with and without a session's name, one
 * after the other, in turn in both orders, over the same processes.
 *
 *   npm run bench:sessions -- [--pairs 12] [--seconds 2]
 */
const { values: options } = parseArgs({
  options: { pairs: { type: 'string', default: '12' }, seconds: { type: 'string', default: '2' } },
});
const seconds = Number(options.seconds);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const upstream = await helper('./upstream-process.ts');
const system = await startSystem({
  documents: { 'world.yaml': models(upstream.url) },
  counts: { gateway: 1 },
});
await system.untilServed('bench');
const pool = new Pool(system.httpUrl, { connections: 8, pipelining: 1 });
const prompt = 'x'.repeat(1_000);
let sessions = 0;

/** Eight calls of each session, as an agent that goes on. */
async function post(isNamed: boolean): Promise<void> {
  sessions += 1;
  const answer = await pool.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: {
      'content-type': 'application/json',
      ...(isNamed && { 'session-id': `session-${Math.floor(sessions / 8)}` }),
    },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: prompt }] }),
  });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
}

const processes = ['gateway', 'router', 'provider-worker'] as const;
const pids = Object.fromEntries(processes.map((name) => [name, system.of(name)[0]?.pid ?? 0]));
const stretch = (isNamed: boolean) => measure(() => post(isNamed), { concurrency: 8, seconds, warmupCalls: 64, pids });
const cpuOf = ({ cpuUs }: Awaited<ReturnType<typeof stretch>>): number =>
  Object.values(cpuUs).reduce((sum, us) => sum + us, 0);

try {
  for (const isNamed of [false, true]) await warmUp(() => post(isNamed), { calls: 4_000, pids });
  const latency: [number, number][] = [];
  const cpu: [number, number][] = [];
  for (let pair = 0; pair < Number(options.pairs); pair += 1) {
    const order = pair % 2 === 0 ? [false, true] : [true, false];
    const [one, other] = [await stretch(order[0] as boolean), await stretch(order[1] as boolean)];
    const [plain, named] = order[0] ? [other, one] : [one, other];
    latency.push([plain.p50Ms, named.p50Ms]);
    cpu.push([cpuOf(plain), cpuOf(named)]);
    say(
      `pair ${pair + 1}: median ${plain.p50Ms.toFixed(2)} → ${named.p50Ms.toFixed(2)} ms, CPU ${cpuOf(plain).toFixed(0)} → ${cpuOf(named).toFixed(0)} µs a call, foreign load ${(100 * Math.max(plain.foreignShare, named.foreignShare)).toFixed(0)} %`,
    );
  }
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (const [what, pairs] of [
    ['median latency', latency],
    ['CPU per call', cpu],
  ] as const) {
    const { mean, low, high } = pairedRatio(pairs, next);
    say(`${what} with a session ÷ without: ${mean.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`);
  }
  say(
    `load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
} finally {
  await pool.close();
  await system.stop();
  upstream.child.kill();
}
