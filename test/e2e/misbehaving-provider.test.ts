import { type LabUpstream, labForms, type Oddity, oddities, startLabUpstream, streamOf } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// The worst of what providers send, through the whole product: one worker process serves the model that gets it and
// another model, whose caller streams all the while.

let upstream: LabUpstream;
let system: System;
let openai: OpenAI;
const [form] = labForms;
const chat = oddities.filter((oddity) => oddity.form.name === form?.name);

beforeAll(async () => {
  upstream = await startLabUpstream();
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'odd', tags: 'odd', endpoint, concurrency: 50 }),
        modelDocument({ name: 'calm', tags: 'calm', endpoint, concurrency: 50 }),
        routeDocument('odd', 'odd'),
        routeDocument('calm', 'calm'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('odd', 'calm');
  openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

const messages = [{ role: 'user' as const, content: 'Where is Paris?' }];

async function streamed(model: string): Promise<string> {
  let text = '';
  for await (const { choices } of await openai.chat.completions.create({ model, messages, stream: true }))
    text += choices[0]?.delta.content ?? '';
  return text;
}

const whole = async (model: string): Promise<string> =>
  (await openai.chat.completions.create({ model, messages })).choices[0]?.message.content ?? '';

test('whatever one provider answers, its worker lives on and another caller’s stream is whole', async () => {
  if (!form) throw new Error('there is no form');
  const text = Array.from({ length: 20 }, (_, n) => `piece ${n} `);
  const headers = { 'content-type': 'text/event-stream' };
  upstream.answer('calm', { headers, pieces: streamOf(form, { text, finish: 'stop', usage: [5, 7] }), gapMs: 5 });
  const workers = system.of('provider-worker').map(({ pid }) => pid);
  const heard: string[] = [];
  let isOver = false;
  const bystander = (async () => {
    while (!isOver) heard.push(await streamed('calm'));
  })();
  const wrong: string[] = [];
  for (const oddity of chat) {
    const answer = await play(oddity);
    if (oddity.expected.text !== undefined && answer !== oddity.expected.text)
      wrong.push(`${oddity.asked}, ${oddity.name}: ${answer}`);
  }
  isOver = true;
  await bystander;
  expect(wrong).toEqual([]);
  expect(heard.length).toBeGreaterThan(3);
  expect(new Set(heard)).toEqual(new Set([text.join('')]));
  expect(system.of('provider-worker').map(({ pid }) => pid)).toEqual(workers);
  for (const worker of system.of('provider-worker')) expect(worker.log()).not.toContain('a call');
});

/** What the caller got; where the answer must fail, the kind of the error. */
async function play({ asked, answer, expected }: Oddity): Promise<string> {
  upstream.answer('odd', answer);
  try {
    return await (asked === 'stream' ? streamed('odd') : whole('odd'));
  } catch (error) {
    if (expected.fails === undefined) return String(error);
    return error instanceof OpenAI.OpenAIError ? 'failed' : String(error);
  }
}
