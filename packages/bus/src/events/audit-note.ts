import { toBinary } from '@bufbuild/protobuf';
import { create, subjects, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import type { AuditWords } from '../access/refusals.ts';

const answerMs = 3_000;

/** Writes one entry of the audit log. Resolves once it is on the registry's disk. @throws {BusError} */
export async function noteInAuditLog(bus: Bus, service: string, words: AuditWords): Promise<void> {
  const entry = create(wire.AuditEntrySchema, { ...words, service, atUnixMs: BigInt(Date.now()) });
  await bus.request(
    subjects.audit('note'),
    toBinary(wire.AuditNoteSchema, create(wire.AuditNoteSchema, { entries: [entry] })),
    answerMs,
  );
}
