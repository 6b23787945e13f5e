import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AdminWorld, post, startAdminWorld, untilStored } from './admin-world.ts';
import { prepareEdits, runEdits } from './edits.ts';

// What a change is said to do beside what it does: the same tasks again, under the documents that were tried.

let world: AdminWorld;
beforeAll(async () => {
  world = await startAdminWorld();
});
afterAll(() => world.stop());

const kinds = [
  ['text_gen', 'acme'],
  ['text_gen', 'globex'],
  ['code', 'acme'],
  ['text_gen', 'legal'],
] as const;

interface Ran {
  readonly model: string;
  readonly costNanoUsd: bigint | undefined;
}

/** Runs one task of each kind; a task that no model may do has no model. */
const runAll = (): Promise<Ran[]> =>
  Promise.all(
    kinds.map(async ([type, client]) => {
      try {
        const { model, costNanoUsd, taskId } = await world.system.client.run({ type, client, input: 'ping' });
        await untilStored(world, taskId);
        return { model, costNanoUsd };
      } catch {
        return { model: '', costNanoUsd: 0n };
      }
    }),
  );

interface Preview {
  readonly moves: readonly {
    readonly task_type: string;
    readonly client: string;
    readonly from: string;
    readonly to: string;
    readonly tasks: number;
    readonly before_nano_usd: number;
    readonly after_nano_usd: number;
    readonly unknown_costs: number;
  }[];
}

const edits: readonly (readonly [what: string, text: string])[] = [
  ['a client leaves the cloud', 'kind: client\nname: Acme\ndata_rules: { avoid_cloud: true }'],
  ['a client may use the cloud', 'kind: client\nname: Legal'],
  ['a route begins elsewhere', 'kind: route\nname: text_gen\nprimary: Home\nfallback_1: Cloud'],
  ['a client demands a region', 'kind: client\nname: Globex\ndata_rules: { data_residency: US }'],
];

test.each(edits)(
  '%s: the tasks that are said to move are those that move, at the money that is said',
  async (_what, text) => {
    const { json, keys } = world;
    const before = await runAll();
    const files = [{ path: 'edit.yaml', text }];
    const preview = (await json(
      '/admin/v1/what-if',
      keys.operator,
      post({ files, window: 'hour' }),
    )) as unknown as Preview;
    await json('/admin/v1/apply', keys.owner, post({ files, note: 'as tried' }));
    const after = await runAll();
    const moved = kinds.flatMap(([taskType, client], index) => {
      const [from, to] = [before[index]?.model ?? '', after[index]?.model ?? ''];
      return from === to ? [] : [`${taskType} ${client}: ${from} > ${to}`];
    });
    const said = preview.moves.filter(({ from, to }) => from !== to);
    // Runs of before the last change are checked by the documents in force, so that they move alike.
    expect(new Set(said.map(({ task_type, client, from, to }) => `${task_type} ${client}: ${from} > ${to}`))).toEqual(
      new Set(moved),
    );
    expect(moved.length).toBeGreaterThan(0);
    for (const { task_type, client, tasks, before_nano_usd, after_nano_usd, unknown_costs } of said) {
      const at = kinds.findIndex(([type, of]) => type === task_type && of === client);
      const known = Math.max(1, tasks - unknown_costs);
      expect(before_nano_usd / known).toBeCloseTo(Number(before[at]?.costNanoUsd), -2);
      expect(after_nano_usd / known).toBeCloseTo(Number(after[at]?.costNanoUsd), -2);
    }
  },
);

test('whatever is edited, the tasks that are said to move are those that move, within 2 % of the money', async () => {
  await prepareEdits(world);
  const { wrong, worstMoneyShare, movedTasks } = await runEdits(world, 5, 7, () => {});
  expect(wrong).toEqual([]);
  expect(worstMoneyShare).toBeLessThanOrEqual(0.02);
  expect(movedTasks).toBeGreaterThan(0);
});

test('a preview changes nothing, and says why documents cannot be tried', async () => {
  const { json, ask, keys } = world;
  const revision = (await json('/admin/v1/now', keys.operator))['revision'];
  await json('/admin/v1/what-if', keys.auditor, post({ files: [{ path: 'x.yaml', text: 'kind: client\nname: New' }] }));
  expect((await json('/admin/v1/now', keys.operator))['revision']).toBe(revision);
  const wrong = await ask(
    '/admin/v1/what-if',
    keys.operator,
    post({ files: [{ path: 'x.yaml', text: 'kind: clown' }] }),
  );
  expect(wrong.status).toBe(400);
});
