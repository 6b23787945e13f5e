import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { connectBus, openSnapshotPublisher, watchProcesses, type Bus, type SnapshotPublisher } from '@will/bus';
import { parseDocuments, subjects, wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

let server: NatsServer;
let bus: Bus;
let publisher: SnapshotPublisher;
let policy: ChildProcess;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ servers: server.url, processId: 'test-process', inboxScope: 'test' });
  publisher = await openSnapshotPublisher(bus, { incarnation: 'test' });
  policy = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, NATS_URL: server.url, WILL_LOG_LEVEL: 'silent' },
  });
  const [word] = (await once(policy, 'message')) as [{ kind: string; message?: string }];
  if (word.kind !== 'ready') throw new Error(`policy did not start: ${word.message}`);
});

afterAll(async () => {
  if (policy?.exitCode === null) policy.kill('SIGKILL');
  await publisher?.stop();
  await bus?.close();
  await server?.stop();
});

const documents = `
models:
  - name: Claude 3
    tags: [text_gen]
    call_method: API
    endpoint: https://api.example.com/v1
    compliance: [GDPR]
  - name: LLaMA
    aliases: ["local:LLaMA"]
    tags: [text_gen]
    call_method: on-device
    local: { path: llama.gguf }
    compliance: [GDPR]
routes:
  - name: text_gen
    primary: Claude 3
    fallback_1: local:LLaMA
`;
const settings = 'kind: settings\ndefault_data_class: open\n';
/** The specification's own block. */
const acmeLegal = `[client:AcmeLegal]
  default_model: Claude 3
  force_tone: formal
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`;

async function publish(revision: number, ...texts: readonly string[]): Promise<void> {
  const parsed = texts.map((text, n) => parseDocuments(`${n}.yaml`, text));
  expect(parsed.flatMap(({ problems }) => problems)).toEqual([]);
  await publisher.publish(
    revision,
    parsed
      .flatMap((file) => file.documents)
      .map(({ document }) => ({ document, revision, author: 'test', updatedAtMs: 0 })),
  );
}

async function ask(
  subject: string,
  facts: MessageInitShape<typeof wire.FactsSchema> | undefined,
  atUnixMs = 0n,
): Promise<wire.DecideResponse> {
  const request = create(wire.DecideRequestSchema, { ...(facts && { facts }), atUnixMs });
  return fromBinary(
    wire.DecideResponseSchema,
    await bus.request(subject, toBinary(wire.DecideRequestSchema, request), 5_000),
  );
}
/** A policy that reads a revision a moment later answers with the one before. */
async function decideAt(revision: number, facts: MessageInitShape<typeof wire.FactsSchema>): Promise<wire.RankedSet> {
  for (;;) {
    const { set } = await ask(subjects.policyDecide, facts);
    if (set && Number(set.revision) >= revision) return set;
  }
}
const asked = { taskType: 'text_gen', client: 'acmelegal' };

test('without documents a question is refused, in words, as one to ask again', async () => {
  const { set, error, retryable } = await ask(subjects.policyDecide, asked);
  expect([set, error, retryable]).toEqual([undefined, 'the registry has published no documents yet', true]);
});

test('decisions follow the documents live, name their basis and have an id by content', async () => {
  await publish(1, settings, documents, '[client:AcmeLegal]\n  default_model: Claude 3\n');
  const before = await decideAt(1, asked);
  expect(before.candidates.map(({ model, why }) => [model, why])).toEqual([
    ['claude-3', 'client'],
    ['llama', 'route:fallback_1'],
  ]);
  expect(before.setId).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(Number(before.validUntilUnixMs)).toBeGreaterThan(Date.now());
  expect((await decideAt(1, asked)).setId).toBe(before.setId);

  await publish(2, settings, documents, acmeLegal);
  const after = await decideAt(2, asked);
  expect(after.candidates.map(({ model }) => model)).toEqual(['llama']);
  expect(after.exclusions.map(({ model, rule }) => [model, rule])).toEqual([['claude-3', 'avoid_cloud']]);
  expect(after.facts).toMatchObject({ taskType: 'text_gen', client: 'acmelegal', inputModalities: ['text'] });
  expect(after.setId).not.toBe(before.setId);
});

test('a decision for a client that no document has holds no model, and an explanation says so', async () => {
  const unknown = await ask(subjects.policyDecide, { ...asked, client: 'acmelegall' });
  expect(unknown.set?.candidates).toEqual([]);
  expect(new Set(unknown.set?.exclusions.map(({ rule }) => rule))).toEqual(new Set(['unknown_client']));
  const { error } = await ask(subjects.policyExplain, { ...asked, client: 'AcmeLegall' });
  expect(error).toBe('no client has the slug, name or alias "AcmeLegall"');
  const named = await ask(subjects.policyExplain, { ...asked, client: ' ACMELEGAL ' });
  expect(named.set?.facts?.client).toBe('acmelegal');
});

test('an explanation tells every broken rule, at any instant', async () => {
  await decideAt(2, asked);
  const { set, error } = await ask(subjects.policyExplain, { ...asked, needs: ['tools'] }, 4_000_000_000_000n);
  expect(error).toBe('');
  expect(set?.exclusions.map(({ model, rule }) => `${model} ${rule}`)).toEqual([
    'claude-3 avoid_cloud',
    'claude-3 capability',
    'llama capability',
  ]);
  expect(set?.validUntilUnixMs).toBe(4_000_000_060_000n);
  expect((await ask(subjects.policyExplain, asked, -1n)).error).toContain('instant -1 must be');
});

test('an explanation tells which single change would let in what was left out; a decision does not look for one', async () => {
  await decideAt(2, asked);
  const { wouldChange } = await ask(subjects.policyExplain, { ...asked, model: 'Claude 3' });
  expect(wouldChange).toEqual([
    'claude-3 (the task asks for it) would be a candidate if client acmelegal did not ask for avoid_cloud',
  ]);
  expect((await ask(subjects.policyDecide, { ...asked, model: 'Claude 3' })).wouldChange).toEqual([]);
});

test.each([
  [undefined, 'facts are missing'],
  [{ taskType: 'Text Gen', client: 'c' }, 'task type "Text Gen" must match'],
  [{ taskType: 'text_gen', client: '' }, 'client "" must match'],
  [{ ...asked, project: 'a b' }, 'project "a b" must match'],
  [{ ...asked, inputModalities: ['smell'] }, 'input modality "smell" must be one of text, image'],
  [{ ...asked, needs: Array.from({ length: 65 }, (_, n) => `n${n}`) }, '65 needs exceed 64'],
  [{ ...asked, model: 'x'.repeat(129) }, 'is longer than 128 characters'],
])('malformed facts are refused, and the value is named: %j', async (facts, message) => {
  const { set, error, retryable } = await ask(subjects.policyDecide, facts);
  expect(error).toContain(message);
  expect([set, retryable]).toEqual([undefined, false]);
});

test('bytes that are no request are refused, and the service lives on', async () => {
  const response = await bus.request(subjects.policyDecide, new Uint8Array([255, 255, 255]), 5_000);
  expect(fromBinary(wire.DecideResponseSchema, response).error).toBe('3 bytes are no will.v1.DecideRequest');
  expect((await ask(subjects.policyDecide, asked)).error).toBe('');
});

test('it announces itself with the revision it works with, and leaves cleanly', async () => {
  await decideAt(2, asked);
  const view = await watchProcesses(bus);
  const told = Promise.withResolvers<void>();
  const look = (): void => {
    const presence = [...view.processes.values()].find(({ service }) => service === 'policy');
    if (presence?.revision === 2n) told.resolve();
  };
  view.onChange(look);
  look();
  await told.promise;
  await view.stop();
  const gone = once(policy, 'exit');
  policy.kill('SIGTERM');
  expect(await gone).toEqual([0, null]);
});
