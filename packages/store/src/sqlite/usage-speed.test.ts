import type { CallRecord } from '@will/core';
import { expect, test } from 'vitest';
import { generatedCall } from '../contract/generated-call.ts';
import { dayMs, type UsageDimension } from '../usage.ts';
import { newFile } from './new-file.ts';
import { openCallLog } from './open.ts';

// WILL_USAGE_RECORDS=10000000 takes about half an hour and 6 GB of disk; everyday runs are content with fewer.
const records = Number(process.env['WILL_USAGE_RECORDS'] ?? 10_000);
const batch = 500;
const days = 30;
const firstMs = Date.parse('2026-10-01T00:00:00Z');

/** Calls of a month. */
const generated = (number: number): CallRecord =>
  generatedCall(number, firstMs + Math.floor((number / records) * days * dayMs));

test('an overview of all calls comes out of the sums at once, and every call is in it', {
  timeout: 7_200_000,
}, async () => {
  const file = await newFile();
  const log = await openCallLog(file.path);
  try {
    let nanoUsd = 0n;
    const beganMs = performance.now();
    for (let number = 0; number < records; number += batch) {
      const some = Array.from({ length: Math.min(batch, records - number) }, (_, index) => generated(number + index));
      nanoUsd += some.reduce((sum, { costNanoUsd = 0n }) => sum + costNanoUsd, 0n);
      await log.ingest(some.map((record) => ({ kind: 'call', record })));
    }
    const perSecond = Math.round(records / ((performance.now() - beganMs) / 1_000));
    const figures: Record<string, number> = {};
    for (const by of [['model'], ['day', 'model'], ['client'], ['taskType', 'outcome'], []] as UsageDimension[][]) {
      const question = { by, fromMs: firstMs, toMs: firstMs + days * dayMs };
      await log.usage(question);
      const askedMs = performance.now();
      const groups = await log.usage(question);
      figures[by.join(' × ') || 'all'] = Math.round(10 * (performance.now() - askedMs)) / 10;
      expect(groups.reduce((sum, { calls }) => sum + calls, 0)).toBe(records);
      expect(groups.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n)).toBe(nanoUsd);
    }
    process.stdout.write(
      `usage of ${records} calls, ms: ${JSON.stringify(figures)}; ${perSecond} records/s taken in\n`,
    );
    // The aim is 100 ms on a quiet machine; others work on this one too.
    expect(figures['model']).toBeLessThan(400);
  } finally {
    await log.close();
    await file.remove();
  }
});
