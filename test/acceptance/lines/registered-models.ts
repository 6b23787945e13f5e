import assert from 'node:assert/strict';
import { routeDocument } from '../../support/documents.ts';
import { answerer, candidatesOf, callsOf, documentOf, rulesOf, run, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import { mustHaveOurEngine, mustReadOurFiles } from '../limits-here.ts';
import { until } from '../../support/until.ts';

const vendors = ['GPT-4', 'Claude 3', 'Whisper', 'Gemini', 'LLaMA'];

export const registeredModels: Section = {
  heading: 'Registered Models',
  documents: (world) => [
    upstreamModel(world, { name: 'Fast Weak', tags: 'rated' }, rating(200, 3, 0.02)),
    upstreamModel(world, { name: 'Slow Strong', tags: 'rated' }, rating(3_000, 9, 0.04)),
    upstreamModel(world, { name: 'Cheap Middling', tags: 'rated' }, rating(1_500, 6, 0.001)),
    `${routeDocument('rated', 'Slow Strong', 'Fast Weak', 'Cheap Middling')}\nmode: auto`,
    ...['speed', 'quality', 'cost'].map((goal) => `kind: client\nname: For ${goal}\nmode: auto\ngoal: ${goal}`),
    upstreamModel(world, { name: 'Short', tags: 'short' }, 'limits: { max_tokens_per_call: 2000 }'),
    upstreamModel(world, { name: 'Long', tags: 'short' }),
    routeDocument('short', 'Short', 'Long'),
    upstreamModel(
      world,
      { name: 'Capped', tags: 'capped' },
      'limits: { daily: { requests: 2 }, monthly: { usd: 100 } }',
      prices,
    ),
    upstreamModel(world, { name: 'Spare', tags: 'capped, minute, cooling' }),
    routeDocument('capped', 'Capped', 'Spare'),
    upstreamModel(world, { name: 'By Minute', tags: 'minute' }, 'limits: { rpm: 1 }'),
    routeDocument('minute', 'By Minute', 'Spare'),
    upstreamModel(world, { name: 'Cooling', tags: 'cooling' }, 'limits: { cooldown_seconds: 120 }'),
    routeDocument('cooling', 'Cooling', 'Spare'),
    upstreamModel(
      world,
      { name: 'Formatted', tags: 'formatted' },
      'style: { prompt_format: "<<SYS>>{system}<</SYS>>", strengths: ["Handles long context well"], quirks: [no system role] }',
    ),
    routeDocument('formatted', 'Formatted'),
    upstreamModel(world, { name: 'In A Box', callMethod: 'container', tags: 'boxed' }).replace(
      /^endpoint: .*$/m,
      'local: { container: acceptance/server, port: 8000, start: yes, memory_mb: 64 }',
    ),
    routeDocument('boxed', 'In A Box'),
  ],
  lines: [
    {
      line: 'Model Name, e.g. `GPT-4`, `Claude 3`, `Whisper`, `Gemini`, `LLaMA`',
      title:
        'the names of the specification are listed by the command line and by HTTP, and a task that names one gets it',
      async check(world) {
        const listed = (await world.willmJson('get', 'models')) as readonly { readonly name: string }[];
        const names = listed.map(({ name }) => name);
        assert.deepEqual(
          vendors.filter((name) => !names.includes(name)),
          [],
        );
        const { data } = (await world.get('/v1/models')).body as { readonly data: readonly { readonly id: string }[] };
        const ids = data.map(({ id }) => id.toLowerCase());
        for (const slug of ['gpt-4', 'claude-3', 'whisper', 'gemini', 'llama'])
          assert.ok(ids.includes(slug), `${slug} of ${ids.join()}`);
        for (const model of ['GPT-4', 'claude 3', 'gemini']) {
          const { status, headers } = await world.post('/v1/chat/completions', chat(model));
          assert.equal(status, 200);
          assert.equal(headers.get('x-will-model'), model.toLowerCase().replace(' ', '-'));
        }
        assert.deepEqual(world.called(), ['gpt-4', 'claude-3', 'gemini']);
      },
    },
    {
      line: 'Use Case Tags: `text_gen`, `code`, `translation`, `ocr`, `vision`, etc',
      title:
        'each tag is a task type that its models do, over the bus, and a model without the tag is left out for that',
      async check(world) {
        for (const type of ['text_gen', 'code', 'translation']) assert.notEqual(await answerer(world, type), 'blocked');
        for (const type of ['ocr', 'vision'])
          assert.equal(await answerer(world, type, { input: picture, inputModalities: ['text', 'image'] }), 'gemini');
        assert.equal((await rulesOf(world, 'ocr'))['gpt-3-5'], 'task_type');
        assert.equal(await answerer(world, 'made_up_type'), 'blocked');
      },
    },
    {
      line: 'Call Method: `API`, `Local`, `on-device`, `container`',
      title: 'one model of each method answers: a vendor, a server of one’s own, a gguf file and a container',
      async check(world) {
        assert.equal(await answerer(world, 'text_gen', { model: 'GPT-4' }), 'gpt-4');
        assert.equal(await answerer(world, 'text_gen', { model: 'LLaMA' }), 'llama');
        mustReadOurFiles(world);
        assert.equal(await answerer(world, 'on_device', { maxOutputTokens: 8 }), 'tiny');
        mustHaveOurEngine(world);
        assert.equal(await answerer(world, 'boxed'), 'in-a-box');
      },
    },
    {
      line: 'Avg Latency',
      title: 'before anything was measured, who wants speed gets the model with the lowest average latency',
      async check(world) {
        const [first] = await candidatesOf(world, 'rated', { client: 'for-speed' });
        assert.equal(first, 'fast-weak');
      },
    },
    {
      line: 'Accuracy rating (1–10)',
      title: 'who wants quality gets the highest rating, and a rating above 10 is refused by file, line and field',
      async check(world) {
        const [first] = await candidatesOf(world, 'rated', { client: 'for-quality' });
        assert.equal(first, 'slow-strong');
        const { code, err, out } = await world.apply(
          upstreamModel(world, { name: 'Eleven' }, 'benchmark: { accuracy: 11 }'),
        );
        assert.equal(code, 1);
        assert.match(out + err, /apply\.yaml:\d+: benchmark\.accuracy: .*10/);
      },
    },
    {
      line: 'Cost per 1K tokens (USD)',
      title: 'a call is charged by it to the nano-dollar, and who wants low cost gets the cheapest',
      async check(world) {
        const [first] = await candidatesOf(world, 'rated', { client: 'for-cost' });
        assert.equal(first, 'cheap-middling');
        const { taskId } = await run(world, 'rated', { model: 'Slow Strong' });
        const [call] = await callsOf(world, taskId);
        // 12 tokens in and 14 out, at $0.04 a thousand.
        assert.equal(call?.costNanoUsd, 26n * 40_000n);
      },
    },
    {
      line: 'Max tokens per call',
      title: 'an input above it goes to the next model, and the answer that is asked for is cut to what is left',
      async check(world) {
        assert.equal((await rulesOf(world, 'short', { inputTokens: 5_000 }))['short'], 'max_tokens_per_call');
        assert.equal(await answerer(world, 'short', { input: 'word '.repeat(5_000) }), 'long');
        assert.equal(await answerer(world, 'short', { maxOutputTokens: 100_000 }), 'short');
        const sent = world.upstream.requests.find(({ model }) => model === 'short')?.body['max_tokens'];
        assert.ok(Number(sent) <= 2_000, `max_tokens: ${String(sent)}`);
        assert.deepEqual(world.called(), ['long', 'short']);
      },
    },
    {
      line: 'Daily/monthly usage caps',
      title: 'the third call of a day of two goes to the next model, and `willm limits` shows both caps',
      async check(world) {
        for (let n = 0; n < 2; n += 1) assert.equal(await answerer(world, 'capped'), 'capped');
        assert.equal(await answerer(world, 'capped'), 'spare');
        assert.deepEqual(world.called(), ['capped', 'capped', 'spare']);
        const limits = JSON.stringify(await world.willmJson('limits'));
        assert.match(limits, /capped.*day/);
        assert.match(limits, /capped.*month/);
      },
    },
    {
      line: 'Cooldown or rate limits',
      title:
        'the second call of a minute of one goes to the next model, and a vendor’s 429 cools its model down for all',
      async check(world) {
        // Three calls lie in two minutes at most.
        const answered = [];
        for (let n = 0; n < 3; n += 1) answered.push(await answerer(world, 'minute'));
        assert.ok(answered[0] === 'by-minute' && answered.includes('spare'), answered.join());
        world.upstream.script('cooling', { kind: 'status', status: 429, headers: { 'retry-after': '60' } });
        assert.equal(await answerer(world, 'cooling'), 'spare');
        world.upstream.script('cooling', { kind: 'answer' });
        assert.equal(await answerer(world, 'cooling'), 'spare');
        assert.equal(world.upstream.countOf('cooling'), 1);
        await until(
          async () => /cooling down/.test((await world.willm('status')).out),
          'willm status to show the cooldown',
        );
      },
    },
    {
      line: 'Prompt formatting style',
      title: 'a model’s template gives the system prompt its form on the way to the vendor',
      async check(world) {
        const messages = [{ role: 'system', content: 'Be brief.' }, ...hello];
        assert.equal(await answerer(world, 'formatted', { input: { messages } }), 'formatted');
        assert.match(JSON.stringify(world.upstream.requests[0]?.body['messages']), /<<SYS>>Be brief\.<<\/SYS>>/);
      },
    },
    {
      line: 'Strengths/quirks',
      title: 'models are found by their strengths, and the quirk `no system role` changes what is sent',
      async check(world) {
        const found = (await world.willmJson('get', 'models', '--strength', 'long context')) as readonly {
          name: string;
        }[];
        const ours = found.map(({ name }) => name).filter(world.product.names.has);
        assert.deepEqual(ours, ['Formatted']);
        const messages = [{ role: 'system', content: 'Be brief.' }, ...hello];
        await run(world, 'formatted', { input: { messages } });
        const sent = world.upstream.requests[0]?.body['messages'] as readonly { role: string }[];
        assert.deepEqual(
          sent.map(({ role }) => role),
          ['user'],
        );
        assert.match(JSON.stringify(await documentOf(world, 'Formatted')), /no system role/);
      },
    },
  ],
};

const hello = [{ role: 'user', content: 'Hello' }];
const chat = (model: string): object => ({ model, messages: hello });
const picture = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
  ],
};
const prices = 'prices: { input: 1, output: 1 }';
const rating = (latencyMs: number, accuracy: number, usd: number): string =>
  `benchmark: { avg_latency_ms: ${latencyMs}, accuracy: ${accuracy}, cost_per_1k_tokens_usd: { input: ${usd}, output: ${usd} } }`;
