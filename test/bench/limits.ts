import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startSystem } from '../support/system.ts';
import { helper } from './helper.ts';
import { measure } from './measure.ts';

/**
 * What limits cost: the same calls to a model without limits and to one with all of them (none is reached), by the bus, in
 * turns within one run.
 *
 *   npm run bench:limits -- [--seconds 4] [--rounds 5] [--concurrency 32]
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '32' },
  },
});
const [seconds, rounds, concurrency] = [options.seconds, options.rounds, options.concurrency].map(Number) as [
  number,
  number,
  number,
];
const prompt = 'x'.repeat(1_000);

const model = (url: string, name: string, limits: string): string => `
kind: model
name: ${name}
tags: [${name}]
call_method: Local
provider: openai-compatible
endpoint: ${url}/v1
data_residency: EU
compliance: none
security_level: safe_for_sensitive
allowed_tasks: { can_this_model_see_customer_data: yes }
prices: { input: 1, output: 2 }
limits: { concurrency: 512${limits} }
---
kind: route
name: ${name}
primary: ${name}
---`;
const cap = '{ requests: 1000000000, tokens: 1000000000000, usd: 100000000 }';
const all = `, rpm: 100000000, tpm: 100000000000, daily: ${cap}, monthly: ${cap}`;

const upstream = await helper('./upstream-process.ts');
const documents = `${model(upstream.url, 'free', '')}${model(upstream.url, 'limited', all)}
kind: settings
name: global
default_data_class: open
`;
const system = await startSystem({ documents: { 'bench.yaml': documents } });
await system.untilServed('free', 'limited');
const pids: Record<string, number> = { 'nats-server': system.nats.pid };
for (const service of ['router', 'provider-worker', 'telemetry'] as const) {
  const [first] = system.of(service);
  if (first) pids[service] = first.pid;
}

const types = ['free', 'limited'] as const;
const measured: Record<(typeof types)[number], Awaited<ReturnType<typeof measure>>[]> = { free: [], limited: [] };
for (let round = 0; round < rounds; round += 1) {
  for (const type of types) {
    const call = () => system.client.run({ type, input: prompt, maxOutputTokens: 100 });
    measured[type].push(await measure(call, { concurrency, seconds, warmupCalls: round === 0 ? 500 : 50, pids }));
  }
}
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(
  `${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}; 1 KB prompt, plain answer, concurrency ${concurrency}, ${rounds} rounds of ${seconds} s`,
);
for (const type of types) {
  const runs = measured[type];
  const cpu = Object.keys(pids).map(
    (name) => `${name} ${median(runs.map(({ cpuUs }) => cpuUs[name] ?? 0)).toFixed(0)}`,
  );
  say(
    `${type.padEnd(8)} ${median(runs.map(({ perSecond }) => perSecond)).toFixed(0)} calls/s, p50 ${median(runs.map(({ p50Ms }) => p50Ms)).toFixed(2)} ms, p99 ${median(runs.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms, failed ${runs.reduce((sum, { failed }) => sum + failed, 0)}; CPU µs per call: ${cpu.join(', ')}`,
  );
}
const ratio = median(
  measured.limited.map(({ perSecond }, n) => perSecond / (measured.free[n]?.perSecond ?? Number.NaN)),
);
say(`limits on: ${(100 * (1 - ratio)).toFixed(1)} % less throughput (aim ≤ 10 %)`);
await system.stop();
upstream.child.disconnect();
