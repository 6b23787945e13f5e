import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Kvm } from '@nats-io/kv';
import { create, names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** The end of the audit log, kept on the bus: another disk than the file's. */
export interface AuditEnd {
  readonly head: { readonly sequence: number; readonly digest: string };
  /** Not empty: what was once found wrong with the file. */
  readonly broken: string;
}

/** The newest entry of the audit log, as the bus keeps it beside the log. */
export interface KeptAuditEnd {
  read(): Promise<AuditEnd | undefined>;
  write(head: AuditEnd['head'], broken: string): Promise<void>;
}

/** Opens the place on the bus that keeps the end of the audit log. */
export async function keptAuditEnd(bus: Bus): Promise<KeptAuditEnd> {
  const bucket = await new Kvm(bus.connection).create(names.auditBucket, { history: 1 });
  const key = 'head';
  return {
    async read() {
      const entry = await bucket.get(key);
      if (entry?.operation !== 'PUT') return undefined;
      const { sequence, digest, detail } = fromBinary(wire.AuditEntrySchema, entry.value);
      return { head: { sequence: Number(sequence), digest }, broken: detail };
    },
    async write({ sequence, digest }, broken) {
      const word = create(wire.AuditEntrySchema, { sequence: BigInt(sequence), digest, detail: broken });
      await bucket.put(key, toBinary(wire.AuditEntrySchema, word));
    },
  };
}
