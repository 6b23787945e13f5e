import { expect, test } from 'vitest';
import { Random } from '../policy/random.ts';
import { pairedRatio } from './paired-ratio.ts';

const draw = new Random(5);
const next = (): number => draw.next();
const noisy = (factor: number): [number, number][] =>
  Array.from({ length: 30 }, () => {
    const drift = 1 + draw.next();
    return [drift * (0.95 + 0.1 * draw.next()), factor * drift * (0.95 + 0.1 * draw.next())];
  });

test('a drift that both of a pair share cancels out, and the interval holds the true ratio', () => {
  for (const factor of [0.8, 1, 1.2]) {
    const { low, mean, high } = pairedRatio(noisy(factor), next);
    expect(low).toBeLessThan(factor);
    expect(high).toBeGreaterThan(factor);
    expect(Math.abs(mean / factor - 1)).toBeLessThan(0.03);
  }
});

test('a tenth more is told from none', () => {
  expect(pairedRatio(noisy(1.1), next).low).toBeGreaterThan(1.05);
  expect(pairedRatio(noisy(1), next).high).toBeLessThan(1.05);
});
