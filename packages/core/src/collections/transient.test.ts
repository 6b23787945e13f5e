import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransientMap, TransientSet } from './transient.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');

test('a transient map does what a Map does', () => {
  const step = fc.oneof(fc.tuple(fc.constant('set'), key, fc.nat()), fc.tuple(fc.constant('delete'), key, fc.nat()));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const [map, model] = [new TransientMap<number>(), new Map<string, number>()];
      for (const [what, name, value] of steps) {
        if (what === 'set') map.set(name, value);
        else expect(map.delete(name)).toBe(model.has(name));
        if (what === 'set') model.set(name, value);
        else model.delete(name);
        expect([map.size, map.has(name), map.get(name)]).toEqual([model.size, model.has(name), model.get(name)]);
        expect(map.values()).toEqual([...model.values()]);
      }
    }),
  );
});

test('a transient set holds what was added and has not left, and each leaves once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const set = new TransientSet<string>();
      const model: { item: string; leave: () => boolean }[] = [];
      for (const [[adds, at], number] of steps.map((step, index) => [step, index] as const)) {
        const chosen = model[at];
        if (adds) model.push({ item: `${number}`, leave: set.add(`${number}`) });
        else if (chosen) {
          expect([chosen.leave(), chosen.leave()]).toEqual([true, false]);
          model.splice(at, 1);
        }
        expect(set.size).toBe(model.length);
        expect([...set].sort()).toEqual(model.map(({ item }) => item).sort());
      }
    }),
  );
});

test('an item may leave while the items are gone through', () => {
  const set = new TransientSet<() => void>();
  const seen: number[] = [];
  const leaves = [0, 1, 2].map((number) => set.add(() => seen.push(number) && leaves[number]?.()));
  for (const item of set) item();
  expect([seen, set.size]).toEqual([[0, 1, 2], 0]);
});
