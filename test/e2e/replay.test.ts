import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { type Said, willmAt } from '../support/willm.ts';

// Every decision can be made again, to the last bit, from what was kept of it.

let upstream: ReplayingUpstream;
let system: System;
const kept: string[] = [];
const willm = (...args: string[]): Promise<Said> => willmAt(system.nats.url)(...args);

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'acme.will': '[client:AcmeLegal]\n  data_rules:\n    avoid_cloud: true\n',
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', callMethod: 'API', endpoint, tags: 'text_gen, code' }),
        modelDocument({ name: 'Keyless', callMethod: 'API', endpoint, apiKey: 'env://WILL_NO_SUCH_KEY' }),
        modelDocument({ name: 'Local', endpoint, tags: 'text_gen, code' }),
        routeDocument('text_gen', 'Keyless', 'Cloud', 'Local'),
        routeDocument('code', 'Cloud', 'Local'),
        'kind: schedule\nname: nights\ntime_zone: Europe/Berlin\nfrom: "21:00"\nto: "06:00"\nprefer: local\npriorities: [background]',
      ),
    },
  });
  await system.untilServed('cloud', 'local');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

test('decisions of several clients, with models passed over, are made again to the last bit', async () => {
  const asked = [
    {},
    { client: 'acmelegal' },
    { priority: 'background' },
    { model: 'local' },
    { dataClass: 'customer-sensitive' },
  ] as const;
  for (const facts of asked) {
    const { decisionId, taskId } = await system.client.run({ type: 'text_gen', input: 'Hello', ...facts });
    const { decision } = await decisionOf(system, decisionId);
    expect(decision?.seed).toBeGreaterThan(0n);
    expect(decision?.setDecidedUnixMs).toBeGreaterThan(0n);
    expect(decision?.stateDigest).not.toBe('');
    kept.push(decisionId);
    for (const id of [decisionId, taskId]) {
      const said = await willm('replay', id);
      expect(said).toMatchObject({ code: 0 });
      expect(said.out).toContain('identical');
    }
  }
});

test('after the route has changed the decision is still the same, and another revision tells its other choice', async () => {
  const { decisionId } = await system.client.run({ type: 'text_gen', input: 'Hello' });
  const { decision } = await decisionOf(system, decisionId);
  expect(decision?.live).toMatchObject([{ model: 'keyless', unserved: expect.stringContaining('WILL_NO_SUCH_KEY') }]);
  const { revision } = await apply(system, documentFile(routeDocument('text_gen', 'Local', 'Cloud')));
  for (const id of kept) expect((await willm('replay', id)).out).toMatch(/^identical, revision 1\n/);
  const again = await willm('replay', decisionId);
  expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/^identical, revision 1\n/) });
  expect(again.out).toContain('skipped keyless: ');
  const other = await willm('replay', decisionId, '--revision', String(revision));
  expect(other.code).toBe(0);
  expect(other.out).toContain('would have chosen otherwise');
  expect(other.out).toContain('tried in this order: cloud, local → local, cloud');
});

test('what is not there is said plainly', async () => {
  expect(await willm('replay', 'no-such-decision')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no decision is known'),
  });
  const { decisionId } = await system.client.run({ type: 'text_gen', input: 'Hello' });
  await decisionOf(system, decisionId);
  expect(await willm('replay', decisionId, '--revision', '999')).toMatchObject({
    code: 1,
    err: expect.stringContaining('999'),
  });
});

test('what single change would let in a model that was left out is told, by explanation and replay', async () => {
  const { decisionId } = await system.client.run({
    type: 'text_gen',
    input: 'Hello',
    client: 'acmelegal',
    model: 'cloud',
    unavailableModel: 'route',
  });
  await decisionOf(system, decisionId);
  const change = 'cloud (the task asks for it) would be a candidate if client acmelegal did not ask for avoid_cloud\n';
  expect((await willm('replay', decisionId)).out).toContain(change);
  const explained = await willm('explain', 'text_gen', '--client', 'AcmeLegal', '--model', 'cloud');
  expect(explained.out).toContain(change);
});

test('an explanation at another time is that time’s', async () => {
  const at = (time: string) => willm('explain', 'code', '--priority', 'background', '--at', time);
  // `nights` is open from 21:00 in Berlin, which is 20:00 UTC in winter.
  expect((await at('2026-11-23T19:59:59Z')).out).toContain('1. cloud');
  expect((await at('2026-11-23T20:00:00Z')).out).toContain('1. local');
  expect((await at('2026-11-24T06:00:00+01:00')).out).toContain('1. cloud');
});
