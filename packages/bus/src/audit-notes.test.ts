import { fromBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import type { Bus } from './api.ts';
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
