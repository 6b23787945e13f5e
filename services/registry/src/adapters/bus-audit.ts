import { toBinary } from '@bufbuild/protobuf';
import type { Bus, Serving } from '@will/bus';
import { create, MessageError, queues, readMessage, subjects, wire } from '@will/contracts';
import type { AuditEntry, AuditNote } from '@will/store';
import type { Audit } from '../audit.ts';

const maxNotes = 1_000;
const maxWord = 200;
const maxDetail = 1_000;
const maxListed = 500;
const usuallyListed = 100;

/** Takes notes of all services, and shows and verifies the log. */
export function serveAudit(bus: Bus, audit: Audit, onError: (what: string, error: unknown) => void): Serving {
  const failed = (error: unknown): string => {
    onError('the audit log', error);
    return (error as Error).message;
  };
  const servings = [
    // No answer before it is on the disk.
    bus.serve(subjects.audit('note'), queues.registry, async ({ data }) => {
      await audit.append(notesIn(data, failed));
      return new Uint8Array();
    }),
    bus.serve(subjects.audit('list'), queues.registry, async ({ data }) => {
      const said = await listed(audit, data).catch((error: unknown) =>
        create(wire.ListAuditResponseSchema, { error: failed(error) }),
      );
      return toBinary(wire.ListAuditResponseSchema, said);
    }),
    bus.serve(subjects.audit('verify'), queues.registry, async () => {
      const said = await verified(audit).catch((error: unknown) =>
        create(wire.VerifyAuditResponseSchema, { error: failed(error) }),
      );
      return toBinary(wire.VerifyAuditResponseSchema, said);
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

async function listed(audit: Audit, data: Uint8Array): Promise<wire.ListAuditResponse> {
  const { before, limit } = readMessage(wire.ListAuditRequestSchema, data);
  const most = limit === 0 ? usuallyListed : Math.min(limit, maxListed);
  const entries = await audit.list(most, before === 0n ? undefined : Number(before));
  return create(wire.ListAuditResponseSchema, { entries: entries.map(onTheWire) });
}

async function verified(audit: Audit): Promise<wire.VerifyAuditResponse> {
  const { entries, wrong } = await audit.verify();
  return create(wire.VerifyAuditResponseSchema, {
    entries: BigInt(entries),
    ...(wrong && { problem: wrong.problem, position: BigInt(wrong.position) }),
  });
}

/** A note that cannot be read is answered, too: it is nobody's to repeat. */
function notesIn(data: Uint8Array, failed: (error: unknown) => string): readonly AuditNote[] {
  try {
    return readMessage(wire.AuditNoteSchema, data).entries.slice(0, maxNotes).map(noteOf);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    failed(error);
    return [];
  }
}

const noteOf = ({ atUnixMs, service, actor, action, object, detail }: wire.AuditEntry): AuditNote => ({
  atMs: Number(atUnixMs),
  service: service.slice(0, maxWord),
  actor: actor.slice(0, maxWord),
  action: action.slice(0, maxWord),
  object: object.slice(0, maxWord),
  detail: detail.slice(0, maxDetail),
});

const onTheWire = ({ sequence, atMs, ...entry }: AuditEntry): wire.AuditEntry =>
  create(wire.AuditEntrySchema, { ...entry, sequence: BigInt(sequence), atUnixMs: BigInt(atMs) });
