import { Agent, request } from 'node:http';
import { testKeys } from '../../services/gateway/src/testing/test-keys.ts';
import { startTestServer } from '../../services/gateway/src/testing/test-server.ts';
import { pairedRatio } from '../bench/paired-ratio.ts';

// `npm run names:time`: whether a key is answered as fast about another client's names as about names that nobody has.
// Pairs of requests, one after the other and in turns which comes first; told is the ratio with its 95 % interval.

const pairs = Number(process.argv[2] ?? 20_000);
const pairsInBlock = 100;
const maxDifference = 0.01;

const keys = testKeys();
const server = await startTestServer(100, keys.guard);
const authorization = `Bearer ${await keys.give('acme', 'caller')}`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const body = JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] });

/** Milliseconds until the refusal is read. */
function ask(attribute: string, name: string): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization, [`x-will-${attribute}`]: name };
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(`${server.url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 403) reject(new Error(`${name} was answered with ${response.statusCode}`));
      response.resume().once('end', () => resolve(performance.now() - startedMs));
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/** Half of the requests of a block are faster: a pause of the machine moves nothing. */
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

async function block(attribute: string, foreign: string, unknown: string): Promise<readonly [number, number]> {
  const foreignMs: number[] = [];
  const unknownMs: number[] = [];
  for (let n = 0; n < pairsInBlock; n += 1) {
    if (n % 2 === 0) foreignMs.push(await ask(attribute, foreign));
    unknownMs.push(await ask(attribute, unknown));
    if (n % 2 === 1) foreignMs.push(await ask(attribute, foreign));
  }
  return [median(unknownMs), median(foreignMs)];
}

try {
  for (const [attribute, foreign, unknown] of [
    ['project', 'merger-7', 'merger-8'],
    ['project', 'Merger 7', 'Merger 8'],
    ['client', 'globex', 'globux'],
  ] as const) {
    await block(attribute, foreign, unknown);
    const blocks: (readonly [number, number])[] = [];
    while (blocks.length * pairsInBlock < pairs) blocks.push(await block(attribute, foreign, unknown));
    const { mean, low, high } = pairedRatio(blocks, Math.random);
    const isSame = low <= 1 + maxDifference && high >= 1 - maxDifference;
    process.stdout.write(
      `${isSame ? 'same  ' : 'DIFFER'} ${attribute} ${foreign} ÷ ${unknown}: ${mean.toFixed(4)} (95 %: ${low.toFixed(4)}–${high.toFixed(4)}), ${blocks.length * pairsInBlock} pairs\n`,
    );
    if (!isSame) process.exitCode = 1;
  }
} finally {
  agent.destroy();
  await server.stop();
}
