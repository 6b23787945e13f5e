import { expect, test } from 'vitest';
import { type BudgetOptions, MemoryBudget, type Place } from './memory-budget.ts';
import { ProviderConfigError } from './port.ts';

const never = new AbortController().signal;

/** A budget with tenants that count how often each had to be loaded. */
function world(totalBytes: number, { loadMs = 0, ...options }: BudgetOptions & { readonly loadMs?: number } = {}) {
  const budget = new MemoryBudget(totalBytes, { lingerMs: 5, ...options });
  const events: string[] = [];
  const tenant = (name: string, bytes: number) => {
    let isLoaded = false;
    const place = budget.admit({
      name,
      bytes,
      inWords: `${bytes} B`,
      loadMs: () => loadMs,
      async unload() {
        await Promise.resolve();
        isLoaded = false;
        events.push(`-${name}`);
      },
    });
    return {
      place,
      /** Uses it as a connection does; resolves when the use is over. */
      async use(work: () => Promise<void> = async () => {}): Promise<void> {
        await place.enter(never);
        if (!isLoaded) events.push(`+${name}`);
        isLoaded = true;
        expect(budget.heldBytes).toBeLessThanOrEqual(totalBytes);
        await work();
        place.leave();
      },
    };
  };
  return { budget, events, tenant, loads: () => events.filter((event) => event.startsWith('+')).length };
}

test('what can never fit is refused with the numbers', () => {
  const mib = 1024 * 1024;
  const budget = new MemoryBudget(100 * mib);
  const admit = (): Place =>
    budget.admit({ name: 'large', bytes: 101 * mib, inWords: '101 MiB (weights 101)', unload: async () => {} });
  expect(admit).toThrow(ProviderConfigError);
  expect(admit).toThrow('model large does not fit: it needs 101 MiB (weights 101), and models may take 100 MiB here');
});

test('the least recently used is unloaded for another one, and no more than that', async () => {
  const { events, tenant } = world(30);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => tenant(name, 10)) as [
    ReturnType<typeof tenant>,
    ReturnType<typeof tenant>,
    ReturnType<typeof tenant>,
    ReturnType<typeof tenant>,
  ];
  for (const each of [a, b, c, a, d, b]) await each.use();
  expect(events).toEqual(['+a', '+b', '+c', '-b', '+d', '-c', '+b']);
});

test('a hundred calls in alternation for two models in the room of one load each of them once', async () => {
  const { tenant, loads } = world(10);
  const models = [tenant('a', 10), tenant('b', 10)];
  await Promise.all(Array.from({ length: 100 }, (_, n) => models[n % 2]?.use()));
  expect(loads()).toBe(2);
});

test('calls that come one after the other for each of two models are taken together within a turn', async () => {
  const { tenant, loads } = world(10, { lingerMs: 30 });
  // A router sends the next call for a model when the one before it has ended.
  await Promise.all(
    [tenant('a', 10), tenant('b', 10)].map(async (model) => {
      for (let n = 0; n < 50; n += 1) await model.use(() => Promise.resolve());
    }),
  );
  expect(loads()).toBe(2);
});

test('a model that takes long to load is waited for a little longer', async () => {
  const { tenant, loads } = world(10, { lingerMs: 1, loadMs: 400 });
  // Its calls come with pauses that are longer than the shortest and shorter than half of what loading takes.
  await Promise.all(
    [tenant('a', 10), tenant('b', 10)].map(async (model) => {
      for (let n = 0; n < 4; n += 1) {
        await model.use();
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }),
  );
  expect(loads()).toBe(2);
});

test('a model with ever more calls gives way after its turn', async () => {
  const { tenant } = world(10, { maxTurnMs: 20 });
  const [busy, other] = [tenant('busy', 10), tenant('other', 10)];
  let isOver = false;
  const stream = (async () => {
    while (!isOver) await busy.use(() => new Promise((resolve) => setTimeout(resolve, 2)));
  })();
  await other.use();
  isOver = true;
  await stream;
});

test('what is in use is never unloaded', async () => {
  const { tenant, events } = world(10, { maxTurnMs: 1 });
  const [a, b] = [tenant('a', 10), tenant('b', 10)];
  const { promise, resolve: end } = Promise.withResolvers<void>();
  const using = a.use(() => promise);
  const waiting = b.use();
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(events).toEqual(['+a']);
  end();
  await Promise.all([using, waiting]);
  expect(events).toEqual(['+a', '-a', '+b']);
});

test('who gives up or closes waits no longer and keeps nobody waiting', async () => {
  const { tenant, budget } = world(10);
  const [a, b, c] = [tenant('a', 10), tenant('b', 10), tenant('c', 10)];
  const { promise, resolve: end } = Promise.withResolvers<void>();
  const using = a.use(() => promise);
  const abort = new AbortController();
  const given = b.place.enter(abort.signal);
  const closed = c.place.enter(never);
  abort.abort();
  c.place.close();
  expect(await Promise.all([given, closed])).toEqual([false, false]);
  end();
  await using;
  expect(budget.heldBytes).toBe(10);
  await a.use();
});
