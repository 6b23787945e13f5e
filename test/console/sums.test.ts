import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AdminWorld, startAdminWorld, untilStored } from './admin-world.ts';

// What the view of cost shows beside the rows that it exports.

const clients = ['acme', 'globex', 'legal'] as const;
const types = ['text_gen', 'code'] as const;

let world: AdminWorld;
beforeAll(async () => {
  world = await startAdminWorld();
  const { client } = world.system;
  for (let n = 0; n < 18; n += 1) {
    if (n % 5 === 0) world.upstream.script('cloud', { kind: 'status', status: 500 });
    const task = { type: types[n % 2] ?? 'text_gen', client: clients[n % 3] ?? 'acme', input: 'ping'.repeat(n + 1) };
    const taskId = await client.run(task).then(
      (result) => result.taskId,
      (error: { readonly taskId: string }) => error.taskId,
    );
    world.upstream.script('cloud', { kind: 'answer' });
    await untilStored(world, taskId);
  }
});
afterAll(() => world.stop());

interface Total {
  readonly calls: number;
  readonly successes: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_nano_usd: number;
  readonly unknown_costs: number;
}
interface Row {
  readonly outcome: string;
  readonly model?: string;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cost_nano_usd?: number;
}

/** Sums of clients are kept apart from those of task types and outcomes: a question names one or the other. */
const questions = fc.oneof(
  fc.record({
    by: fc.constantFrom('model', 'client'),
    client: fc.constantFrom(...clients),
    model: fc.constantFrom('', 'cloud', 'home'),
  }),
  fc.record({
    by: fc.constantFrom('model', 'type', 'outcome'),
    model: fc.constantFrom('', 'cloud', 'home'),
    type: fc.constantFrom('', ...types),
    outcome: fc.constantFrom('', 'Success', 'Timeout', 'Blocked'),
    every: fc.constantFrom('hour', 'day'),
  }),
);

test('sums that are shown are those of the exported rows, whatever is filtered', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(questions, async (question) => {
      const { by: _by, ...asked } = question;
      const given = Object.entries(asked).filter(([name, value]) => value !== '' && name !== 'every');
      const shownBy = new URLSearchParams(Object.entries(question).filter(([, value]) => value !== ''));
      const shown = (await world.json(`/admin/v1/cost?${shownBy}`, world.keys.operator)) as unknown as {
        readonly from: number;
        readonly to: number;
        readonly total: Total | null;
        readonly groups: readonly Total[];
      };
      const filter = new URLSearchParams([
        ...given,
        ['from', `${shown.from}`],
        ['to', `${shown.to}`],
        ['format', 'jsonl'],
      ]);
      const text = await (await world.ask(`/admin/v1/calls/export?${filter}`, world.keys.operator)).text();
      const rows = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Row);
      const sum = (value: (row: Row) => number): number => rows.reduce((all, row) => all + value(row), 0);
      const expected = {
        calls: rows.length,
        successes: sum(({ outcome }) => (outcome === 'Success' ? 1 : 0)),
        input_tokens: sum(({ input_tokens }) => input_tokens ?? 0),
        output_tokens: sum(({ output_tokens }) => output_tokens ?? 0),
        cost_nano_usd: sum(({ cost_nano_usd }) => cost_nano_usd ?? 0),
      };
      if (rows.length === 0) expect(shown.total).toBeNull();
      else expect(shown.total).toMatchObject(expected);
      expect(shown.groups.reduce((all, { cost_nano_usd }) => all + cost_nano_usd, 0)).toBe(expected.cost_nano_usd);
      compared += rows.length;
    }),
    { numRuns: 40 },
  );
  expect(compared).toBeGreaterThan(100);
});
