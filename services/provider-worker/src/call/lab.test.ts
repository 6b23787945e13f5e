import type { ModelConnection } from '@will/providers';
import {
  labForms,
  labMediaInputs,
  type LabUpstream,
  mediaOddities,
  oddities,
  type Oddity,
  startLabUpstream,
} from '@will/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bystander, startBystander } from '../testing/bystander.ts';
import { askInLab, type LabRan, openLabModel } from '../testing/lab-worker.ts';

let upstream: LabUpstream;
let bystander: Bystander;
const connections = new Map<string, ModelConnection>();
const modelOf = (form: string): string => `lab-${form}`;

beforeAll(async () => {
  process.env['LAB_PROVIDER_KEY'] = 'sk-lab';
  upstream = await startLabUpstream();
  for (const { name, provider, version } of labForms) {
    const slug = modelOf(name);
    connections.set(name, await openLabModel({ name: slug, slug, provider, endpoint: upstream.url + version }));
  }
  const other = await openLabModel({ name: 'bystander', slug: 'bystander', endpoint: `${upstream.url}/v1` });
  connections.set('bystander', other);
  bystander = startBystander(upstream, other, 'bystander');
});
afterAll(async () => {
  for (const connection of connections.values()) await connection.close();
  await upstream.close();
  delete process.env['LAB_PROVIDER_KEY'];
});

const input = JSON.stringify({ messages: [{ role: 'user', content: 'Where is Paris?' }] });

function play({ form, asked, answer }: Oddity): Promise<LabRan> {
  upstream.answer(modelOf(form.name), answer);
  return askInLab(connections.get(form.name) as ModelConnection, { input, stream: asked === 'stream' });
}

/** The bill is that of the record's counts, and these are the stated ones where they can be. */
function expectBill({ record }: LabRan, { input: stated, output }: Oddity['expected']): void {
  const { usage, costNanoUsd } = record;
  if (!usage) throw new Error('the record has no usage');
  expect(costNanoUsd).toBe(BigInt(usage.inputTokens) * 2_000n + BigInt(usage.outputTokens) * 10_000n);
  if (stated === 'estimated' || output === 'estimated') expect(usage.estimated).toBe(true);
  if (typeof stated === 'number') expect(usage.inputTokens).toBe(stated);
  if (typeof output === 'number') expect(usage.outputTokens).toBe(output);
  // Nobody is billed for what cannot be.
  expect(usage.inputTokens).toBeLessThan(100);
  expect(usage.outputTokens).toBeLessThan(100);
}

describe.each(labForms.map(({ name }) => name))('the lab, in the form of %s', (name) => {
  test.each(
    oddities.filter(({ form }) => form.name === name).map((oddity) => [oddity.asked, oddity.name, oddity] as const),
  )('%s: %s', async (_asked, _name, oddity) => {
    const { expected } = oddity;
    const ran = await play(oddity);
    expect(ran.errors).toEqual([]);
    if (expected.fails !== undefined) return expect(ran.record).toMatchObject({ status: expected.fails });
    expect(ran.record).toMatchObject({ status: 'Success', ...(expected.finish && { finish: expected.finish }) });
    if (expected.text !== undefined) expect(ran.text).toBe(expected.text);
    if (expected.refusal !== undefined) expect(ran.refusal).toBe(expected.refusal);
    if (expected.reasoning !== undefined) expect(ran.reasoning).toBe(expected.reasoning);
    if (expected.calls) expectCalls(ran, expected.calls);
    expectBill(ran, expected);
    return undefined;
  });
});

function expectCalls({ calls }: LabRan, expected: NonNullable<Oddity['expected']['calls']>): void {
  expect(calls.map((call) => [call.name, call.arguments])).toEqual(expected);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  expect(calls.every(({ id }) => id !== '')).toBe(true);
}

test.each(mediaOddities.map((oddity) => [oddity.kind, oddity.name, oddity] as const))(
  'the lab, %s: %s',
  async (kind, _name, { answer, fails, input: billed }) => {
    upstream.answer(modelOf('openai'), answer);
    const connection = connections.get('openai') as ModelConnection;
    const ran = await askInLab(connection, {
      inputKind: kind,
      input: JSON.stringify(labMediaInputs[kind]),
      stream: false,
    });
    expect(ran.errors).toEqual([]);
    expect(ran.record.status).toBe(fails ?? 'Success');
    if (billed !== undefined) expect(ran.record.usage?.estimated).toBe(billed === 'estimated');
    if (typeof billed === 'number') expect(ran.record.usage?.inputTokens).toBe(billed);
    if (fails === undefined) expect(ran.record.usage?.inputTokens).toBeLessThan(100);
  },
);

test('no oddity touched the streams of a bystander', async () => {
  const { whole, broken } = await bystander.stop();
  expect(broken).toBe(0);
  expect(whole).toBeGreaterThan(10);
});
