import { parseArgs } from 'node:util';
import { type AgentCall, agentSession } from '@will/testkit';
import { documentFile, modelDocument, openByDefault } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { freePort } from '@will/testkit';
import { willmAt } from '../support/willm.ts';
import { type CacheCall, type CacheUpstream, type CacheVendor, startCacheUpstream } from './cache-upstream.ts';

/**
 * Sessions of coding agents through two gateways and two routers, over three models that keep prompt caches by their
 * vendors' rules: what they cost with one fixed model, with a router that knows of no caches (it goes by speed and sets no
 * marks), and with this one; then with the model in use killed in the middle.
 *
 *   npm run agents:caches -- [--seeds 1,978]
 *
 * Pauses that outlive every cache are not waited for: the vendors forget, and the session begins anew.
 */
const { values: options } = parseArgs({ options: { seeds: { type: 'string', default: '1,978' } } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const lifetimeMs = 300_000;
/** Vendors that cost alike, and are fast and slow in turns. */
const phaseMs = (phase: number) => (call: number) => (Math.floor(call / 4) % 3 === phase ? 2 : 25);
const usual = { input: 3_000_000_000, output: 15_000_000_000, cachedInput: 300_000_000 };
const vendors: readonly CacheVendor[] = [
  {
    model: 'claude-sonnet-5-trace',
    provider: 'anthropic',
    price: { ...usual, cacheWrite: 3_750_000_000 },
    minTokens: 1_024,
    latencyMs: phaseMs(0),
  },
  { model: 'gpt-5.1-trace', provider: 'openai', price: usual, minTokens: 1_024, latencyMs: phaseMs(1) },
  { model: 'gemini-3-flash-trace', provider: 'google', price: usual, minTokens: 1_024, latencyMs: phaseMs(2) },
];
/** Cheaper than all others, and in the wrong place. */
const forbidden: CacheVendor = {
  model: 'forbidden-trace',
  provider: 'openai',
  price: { input: 1_000_000, output: 1_000_000 },
  minTokens: 1_024,
  latencyMs: () => 1,
};
const slugOf = ({ model }: CacheVendor): string => model.replaceAll('.', '-');

/** The same model as an installation has it that knows of no prompt caches: it sets no marks. */
const unmarked = (vendor: CacheVendor): string => `${slugOf(vendor)}-unmarked`;

const document = (vendor: CacheVendor, url: string, name = slugOf(vendor)): string => {
  const { price } = vendor;
  const usd = (nanoUsd: number): number => nanoUsd / 1e9;
  return [
    modelDocument({
      name,
      tags: name === slugOf(vendor) ? 'text_gen' : 'unmarked',
      provider: vendor.provider,
      endpoint: `${url}/${vendor.provider}/v1`,
      apiKey: 'env://WILL_TRACE_KEY',
      residency: vendor === forbidden ? 'US' : 'EU',
    }),
    `provider_model: ${vendor.model}`,
    'context_tokens: 400000',
    'max_output_tokens: 32000',
    `prompt_cache: ${name === slugOf(vendor) ? 'auto' : 'off'}`,
    'benchmark: { avg_latency_ms: 20, accuracy: 8 }',
    `prices: { input: ${usd(price.input)}, output: ${usd(price.output)}${price.cachedInput === undefined ? '' : `, cached_input: ${usd(price.cachedInput)}`}${price.cacheWrite === undefined ? '' : `, cache_write: ${usd(price.cacheWrite)}`} }`,
  ].join('\n');
};

interface World {
  readonly system: System;
  readonly upstream: CacheUpstream;
  readonly urls: readonly string[];
  close(): Promise<void>;
}

async function startWorld(): Promise<World> {
  const all = [...vendors, forbidden];
  const upstream = await startCacheUpstream(all);
  const names = [forbidden, ...vendors].map((vendor) => JSON.stringify(slugOf(vendor)));
  const system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...all.map((vendor) => document(vendor, upstream.url)),
        ...vendors.map((vendor) => document(vendor, upstream.url, unmarked(vendor))),
        ['kind: route', 'name: text_gen', 'mode: auto', 'goal: balanced', `primary: ${names[0]}`]
          .concat(names.slice(1).map((name, index) => `fallback_${index + 1}: ${name}`))
          .join('\n'),
        'kind: client\nname: Trace\ndata_rules: { data_residency: EU }',
      ),
    },
    env: { WILL_TRACE_KEY: 'none' },
    counts: { gateway: 1, router: 2, 'provider-worker': 2 },
  });
  const port = await freePort();
  await system.add('gateway', { WILL_HTTP_PORT: String(port), WILL_GRPC_PORT: String(await freePort()) });
  await system.untilServed(...vendors.map(slugOf), ...vendors.map(unmarked));
  return {
    system,
    upstream,
    urls: [system.httpUrl, `http://127.0.0.1:${port}`],
    async close() {
      await system.stop();
      await upstream.close();
    },
  };
}

/** The words of a session: what each call adds to the prompt. */
class Conversation {
  readonly messages: object[] = [];
  #chars = 0;
  #turn = 0;

  grow(tokens: number): void {
    const missing = Math.max(40, tokens * 4 - this.#chars);
    const text = `Part ${this.#turn}. ${'The next lines of the file and what the tool said. '.repeat(Math.ceil(missing / 51))}`;
    this.#chars += missing;
    if (this.#turn === 0) this.messages.push({ role: 'system', content: text }, { role: 'user', content: 'Begin.' });
    else this.messages.push({ role: 'assistant', content: 'Done.' }, { role: 'user', content: text });
    this.#turn += 1;
  }
}

interface Run {
  readonly costNanoUsd: bigint;
  /** Calls that read nothing though a call of their session had gone before. */
  readonly coldCalls: number;
  /** Calls that were made twice. */
  readonly repeated: number;
  readonly models: readonly string[];
  readonly taskIds: readonly string[];
  /** Sessions whose model changed, beside the change that a death forced. */
  readonly changes: number;
}

/** Who answers a call: the name that it is asked for by. */
type Chooser = (call: number) => string;

async function runSession(
  { upstream, urls }: World,
  name: string,
  calls: readonly AgentCall[],
  choose: Chooser,
  killedAt?: number,
): Promise<Run> {
  upstream.forget();
  upstream.down.clear();
  const conversation = new Conversation();
  const run = {
    costNanoUsd: 0n,
    coldCalls: 0,
    repeated: 0,
    models: [] as string[],
    taskIds: [] as string[],
    changes: 0,
  };
  let part = 0;
  for (const [index, call] of calls.entries()) {
    const isNewPart = call.gapMs >= lifetimeMs;
    if (isNewPart) {
      upstream.forget();
      part += 1;
    }
    conversation.grow(call.inputTokens);
    if (index === killedAt) upstream.down.add(upstream.calls.at(-1)?.model ?? '');
    const before = upstream.calls.length;
    const taskId = await ask(urls[index % urls.length] as string, choose(index), `${name}-${part}`, conversation);
    const seen = upstream.calls.slice(before);
    const last = seen.at(-1);
    if (!last) throw new Error(`call ${index} of ${name} reached no model`);
    // On a machine that stands still now and then a call may be made twice: both are paid.
    run.repeated += seen.length - 1;
    const isFirst = index === 0 || isNewPart;
    if (!isFirst && last.usage.cachedInputTokens === 0) run.coldCalls += 1;
    if (!isFirst && last.model !== run.models.at(-1)) run.changes += 1;
    run.costNanoUsd += seen.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
    run.models.push(last.model);
    run.taskIds.push(taskId);
  }
  return run;
}

async function ask(url: string, model: string, session: string, { messages }: Conversation): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-will-client': 'Trace', 'session-id': session },
    body: JSON.stringify({ model, messages }),
  });
  const body = (await response.json()) as { readonly id?: string; readonly error?: unknown };
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(body.error)}`);
  return String(body.id).replace('chatcmpl-', '');
}

const dollars = (nanoUsd: bigint): string => `$${(Number(nanoUsd) / 1e9).toFixed(4)}`;
const faults: string[] = [];
function must(holds: boolean, what: string): void {
  if (!holds) faults.push(what);
  say(`${holds ? 'ok    ' : 'FAILED'} ${what}`);
}

/** A router that goes by speed alone names the model that is fastest now. */
const fastest =
  (upstream: CacheUpstream, name: (vendor: CacheVendor) => string): Chooser =>
  () => {
    const next = upstream.calls.length + 1;
    return name(vendors.toSorted((a, b) => a.latencyMs(next) - b.latencyMs(next))[0] as CacheVendor);
  };

async function main(): Promise<void> {
  const world = await startWorld();
  const { system, upstream } = world;
  const willm = willmAt(system.nats.url);
  const sums = { fixed: 0n, unaware: 0n, aware: 0n };
  const replayed: string[] = [];
  const began = performance.now();
  try {
    for (const seed of options.seeds.split(',').map(Number)) {
      const calls = agentSession(seed);
      const pauses = calls.filter(({ gapMs }) => gapMs >= lifetimeMs).length;
      const fixed: bigint[] = [];
      for (const vendor of vendors)
        fixed.push(
          (await runSession(world, `fixed-${seed}-${slugOf(vendor)}`, calls, () => slugOf(vendor))).costNanoUsd,
        );
      const best = fixed.reduce((a, b) => (a < b ? a : b));
      const unaware = await runSession(world, `unaware-${seed}`, calls, fastest(upstream, unmarked));
      const hopping = await runSession(world, `hopping-${seed}`, calls, fastest(upstream, slugOf));
      const aware = await runSession(world, `aware-${seed}`, calls, () => 'text_gen');
      const middle = middleOf(calls);
      const killed = await runSession(world, `killed-${seed}`, calls, () => 'text_gen', middle);
      upstream.down.clear();
      sums.fixed += best;
      sums.unaware += unaware.costNanoUsd;
      sums.aware += aware.costNanoUsd;
      replayed.push(...sampled(aware, 4), ...sampled(killed, 2), killed.taskIds[middle] as string);
      say(
        `seed ${seed}: ${calls.length} calls, ${calls[0]?.inputTokens} to ${calls.at(-1)?.inputTokens} tokens, ${pauses} pauses beyond 5 min; fixed ${fixed.map(dollars).join(' ')}, unaware ${dollars(unaware.costNanoUsd)} (${unaware.coldCalls} cold), with marks but by speed ${dollars(hopping.costNanoUsd)} (${hopping.coldCalls} cold), aware ${dollars(aware.costNanoUsd)} (${aware.coldCalls} cold, ${aware.changes} changes, ${aware.repeated} repeated), killed ${dollars(killed.costNanoUsd)} (${killed.coldCalls} cold, ${killed.changes} changes)`,
      );
      must(killed.models[middle] !== killed.models[middle - 1], `seed ${seed}: another model takes over at the death`);
      must(
        killed.coldCalls - aware.coldCalls <= 1 && killed.changes - aware.changes <= 1,
        `seed ${seed}: the death costs one cold call, and the session stays with the next model`,
      );
    }
    const [toFixed, toUnaware] = [ratio(sums.aware, sums.fixed), ratio(sums.aware, sums.unaware)];
    must(toFixed <= 1.05, `cost ${toFixed.toFixed(4)} of one fixed model with a warm cache (bound 1.05)`);
    must(toUnaware <= 0.6, `cost ${toUnaware.toFixed(4)} of routing that knows of no caches (bound 0.6)`);
    const outside = upstream.calls.filter(({ model }) => model === forbidden.model).length;
    must(outside === 0, `${outside} of ${upstream.calls.length} calls at the model that the client's rules exclude`);
    await checkBooks(willm, upstream.calls);
    await checkReplays(willm, replayed);
  } finally {
    await world.close();
  }
  say(
    `${((performance.now() - began) / 1000).toFixed(0)} s; ${faults.length === 0 ? 'all ok' : `${faults.length} failed`}`,
  );
}

const ratio = (one: bigint, other: bigint): number => Number(one) / Number(other);
const sampled = ({ taskIds }: Run, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => taskIds[Math.floor((n * taskIds.length) / count)] as string);

/** A call in the middle of a part: the one before it filled a cache. */
function middleOf(calls: readonly AgentCall[]): number {
  const from = Math.floor(calls.length / 2);
  const found = calls.findIndex(({ gapMs }, index) => index >= from && gapMs < lifetimeMs);
  return found === -1 ? calls.length - 1 : found;
}

/** What the product charged is what the vendors reckon. */
async function checkBooks(willm: ReturnType<typeof willmAt>, calls: readonly CacheCall[]): Promise<void> {
  const own = calls.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
  let told = '';
  for (let tries = 0; tries < 60; tries += 1) {
    const { out } = await willm('usage', '--outcome', 'Success', '--json');
    told = String((JSON.parse(out) as { total: { costNanoUsd: unknown } | null }).total?.costNanoUsd ?? '');
    if (told === String(own)) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  must(told === String(own), `the product's books say ${told} nano-dollars, the vendors' ${own}`);
  const { out } = await willm('usage', '--by', 'model');
  say(out.trimEnd());
}

async function checkReplays(willm: ReturnType<typeof willmAt>, taskIds: readonly string[]): Promise<void> {
  let identical = 0;
  for (const taskId of taskIds) if ((await willm('replay', taskId)).out.includes('identical')) identical += 1;
  must(identical === taskIds.length, `${identical} of ${taskIds.length} decisions are made again identically`);
}

await main();
process.exitCode = faults.length === 0 ? 0 : 1;
