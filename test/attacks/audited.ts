import { randomBytes } from 'node:crypto';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AuditOperation,
  type KeyOperation,
  type RegistryOperation,
  subjects,
  type TelemetryOperation,
  wire,
} from '@will/contracts';
import type { System } from '../support/system.ts';

/** What an operation does that changes something, and the entry that it leaves. */
export interface Change {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly action: string;
  readonly object: string | RegExp;
}

/** Stands wherever a question has room for content; no entry may hold it. */
export const content = 'what-no-entry-may-hold-5127';
export const author = 'the-auditors-test';

type Of<Operation extends string> = Readonly<
  Record<Operation, 'reads' | 'writes the log itself' | Change | 'a client’s own'>
>;

const change = <S extends DescMessage>(
  subject: string,
  schema: S,
  question: MessageInitShape<S>,
  action: string,
  object: string | RegExp,
): Change => ({ subject, bytes: toBinary(schema, create(schema, question)), action, object });

const revision = /^revision \d+$/;
const letters = 'abcdefghijklmnopqrstuvwxyz234567';
const keyId = [...randomBytes(12)].map((byte) => letters[byte % 32]).join('');
const key = { id: keyId, digest: randomBytes(32), client: 'beta', role: 'caller', note: content };
const document = (text: string) => [{ path: 'audited.yaml', text }];

// A new operation says here what it is, or the types do not fit. In the order in which they are done.
const registry: Of<RegistryOperation> = {
  apply: change(
    subjects.registry('apply'),
    wire.ApplyRequestSchema,
    { files: document(`# ${content}\nkind: client\nname: Audited`), note: content, author },
    'documents.changed',
    revision,
  ),
  rollback: change(
    subjects.registry('rollback'),
    wire.RollbackRequestSchema,
    { revision: 1n, note: content, author },
    'documents.changed',
    revision,
  ),
  get: 'reads',
  status: 'reads',
  resolve: 'reads',
  history: 'reads',
  diff: 'reads',
};
const keys: Of<KeyOperation> = {
  create: change(subjects.keys('create'), wire.CreateKeyRequestSchema, { key, author }, 'key.created', keyId),
  revoke: change(subjects.keys('revoke'), wire.RevokeKeyRequestSchema, { id: keyId, author }, 'key.revoked', keyId),
  list: 'reads',
};
const telemetry: Of<TelemetryOperation> = {
  reprice: change(
    subjects.telemetry('reprice'),
    wire.RepriceRequestSchema,
    { model: 'cloud', fromUnixMs: 1n, price: { input: 1n, output: 1n }, author },
    'calls.repriced',
    'cloud',
  ),
  erase: change(
    subjects.telemetry('erase'),
    wire.EraseClientRequestSchema,
    { client: 'audited', author },
    'calls.erased',
    'audited',
  ),
  prove: change(
    subjects.telemetry('prove'),
    wire.ProveRequestSchema,
    { client: 'audited', author },
    'proof.made',
    'audited',
  ),
  feedback: 'a client’s own',
  open: 'a client’s own',
  limits: 'reads',
  // Unless it names a dead one, which is noted.
  alerts: 'reads',
  calls: 'reads',
  decision: 'reads',
  recent: 'reads',
  usage: 'reads',
  // Noted where something is shown; here no client keeps what is said.
  content: 'reads',
};
const audit: Of<AuditOperation> = { note: 'writes the log itself', list: 'reads', verify: 'reads' };

const tasksErased = change(
  subjects.tasksErase,
  wire.EraseClientRequestSchema,
  { client: 'audited', author },
  'tasks.erased',
  'audited',
);

export const changes: readonly Change[] = [registry, keys, telemetry, audit, { tasksErased }].flatMap((of) =>
  Object.values(of).filter((one) => typeof one !== 'string'),
);

/** Entries behind a sequence, oldest first. */
export async function entriesSince(system: System, after: bigint): Promise<wire.AuditEntry[]> {
  const found: wire.AuditEntry[] = [];
  let before = 0n;
  for (;;) {
    const ask = toBinary(wire.ListAuditRequestSchema, create(wire.ListAuditRequestSchema, { limit: 500, before }));
    const answer = await system.bus.request(subjects.audit('list'), ask, 20_000);
    const { entries, error } = fromBinary(wire.ListAuditResponseSchema, answer);
    if (error !== '') throw new Error(error);
    found.push(...entries.filter(({ sequence }) => sequence > after));
    const last = entries.at(-1)?.sequence ?? 0n;
    if (entries.length < 500 || last <= after + 1n) return found.reverse();
    before = last;
  }
}

/** Asks until the entries that a test waits for are there: servers tell theirs in batches. */
export async function untilEntries(
  system: System,
  after: bigint,
  holds: (entries: readonly wire.AuditEntry[]) => boolean,
  timeoutMs = 30_000,
): Promise<readonly wire.AuditEntry[]> {
  const giveUpMs = performance.now() + timeoutMs;
  for (;;) {
    const entries = await entriesSince(system, after);
    if (holds(entries) || performance.now() > giveUpMs) return entries;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
