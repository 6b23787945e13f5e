import { fromBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import type { Bus } from '../api.ts';
import { auditNotes } from './audit-notes.ts';

test('notes that come while others are on their way are told, once each', async () => {
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const bus: Pick<Bus, 'request'> = {
    async request(_subject, data) {
      first.resolve();
      await answered.promise;
      told.push(...fromBinary(wire.AuditNoteSchema, data).entries.map(({ object }) => object));
      return new Uint8Array();
    },
  };
  const notes = auditNotes(bus as Bus, 'gateway', () => {});
  const note = (object: string): void => notes.note({ actor: 'a', action: 'b', object, detail: '' });
  note('1');
  await first.promise;
  note('2');
  note('3');
  // Longer than notes are gathered for.
  await new Promise((resolve) => setTimeout(resolve, 250));
  note('4');
  answered.resolve();
  await notes.stop();
  expect(told).toEqual(['1', '2', '3', '4']);
});

test('refusals that pile up while nothing can be stored leave room for everything else', async () => {
  const told: wire.AuditEntry[] = [];
  const away = { value: true };
  const bus: Pick<Bus, 'request'> = {
    async request(_subject, data) {
      if (away.value) throw new Error('away');
      told.push(...fromBinary(wire.AuditNoteSchema, data).entries);
      return new Uint8Array();
    },
  };
  const notes = auditNotes(bus as Bus, 'gateway', () => {});
  for (let n = 0; n < 5_000; n += 1)
    notes.refused({ actor: `actor-${n}`, action: 'request.refused', object: 'x', detail: 'no key' });
  for (let n = 0; n < 900; n += 1) notes.note({ actor: 'a', action: 'documents.changed', object: `${n}`, detail: '' });
  await notes.stop();
  away.value = false;
  while (told.filter(({ action }) => action === 'documents.changed').length < 900) await notes.stop();
  expect(told.filter(({ action }) => action === 'request.refused').length).toBeLessThanOrEqual(1_001);
});
