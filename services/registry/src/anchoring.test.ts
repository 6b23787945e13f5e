import type { AnchoredHead } from '@will/observe';
import { expect, test } from 'vitest';
import { anchorHead } from './anchoring.ts';

const headAt = (sequence: number) => ({ sequence, digest: `digest ${sequence}` });

function anchoring() {
  const written: AnchoredHead[] = [];
  const errors: string[] = [];
  const state = { head: headAt(3), fails: false, asked: 0 };
  const started = anchorHead({
    head: () => state.head,
    anchor: {
      async write(head) {
        state.asked += 1;
        if (state.fails) throw new Error('away');
        written.push(head);
      },
    },
    everyMs: 20,
    nowMs: () => 5,
    onError: (what) => void errors.push(what),
  });
  return { written, errors, state, ...started };
}

test('the end is anchored at the start, when it has grown, and at the stop, and not again when it has not', async () => {
  const { written, state, stop } = anchoring();
  state.head = headAt(4);
  await expect.poll(() => written.length).toBe(2);
  state.head = headAt(5);
  await stop();
  await stop();
  expect(written).toEqual([3, 4, 5].map((sequence) => ({ atMs: 5, ...headAt(sequence) })));
});

test('a place that does not answer is told of and asked again, and stops nothing', async () => {
  const { written, errors, state, stop } = anchoring();
  state.fails = true;
  state.head = headAt(9);
  await expect.poll(() => errors.length).toBeGreaterThan(1);
  state.fails = false;
  await expect.poll(() => written.at(-1)?.sequence).toBe(9);
  await stop();
});
