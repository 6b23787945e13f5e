import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Kvm, type KvEntry } from '@nats-io/kv';
import { create, names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** An alert as it was read. */
export interface KeptAlert {
  readonly alert: wire.BudgetAlert;
  /** Changes with each writing. */
  readonly revision: number;
}

/** Alerts that were raised and what became of them, shared by all replicas, kept for 40 days. */
export interface AlertBucket {
  /** By id, as this process knows them. */
  readonly known: ReadonlyMap<string, KeptAlert>;
  /** False: it was raised before. Rejects when the bucket did not confirm it; raising it again is safe. */
  raise(alert: wire.BudgetAlert): Promise<boolean>;
  /** False: another process changed it since it was read. Rejects as above. */
  replace(before: KeptAlert, alert: wire.BudgetAlert): Promise<boolean>;
  stop(): void;
}

/** Longer than a month, so that no alert of a month is raised twice. */
const keptMs = 40 * 24 * 3_600_000;
const maxBucketBytes = 64 * 1024 ** 2;

/** Opens the bucket and follows it; resolves once it is watched. */
export async function openAlerts(bus: Bus): Promise<AlertBucket> {
  const bucket = await new Kvm(bus.connection).create(names.alertsBucket, {
    history: 1,
    ttl: keptMs,
    max_bytes: maxBucketBytes,
  });
  const known = new Map<string, KeptAlert>();
  const keep = (alert: wire.BudgetAlert, revision: number): void => {
    if (revision > (known.get(alert.id)?.revision ?? 0)) known.set(alert.id, { alert, revision });
  };
  const forget = (nowMs: number): void => {
    for (const [id, { alert }] of known) if (Number(alert.reachedUnixMs) < nowMs - keptMs) known.delete(id);
  };
  const watch = await bucket.watch();
  void (async () => {
    for await (const entry of watch) {
      const alert = read(entry);
      if (alert) keep(alert, entry.revision);
    }
  })().catch((error: unknown) => bus.report('the watch of budget alerts ended', error));
  /** The bucket says no where the entry is not as it was read. */
  const unlessChanged = async (written: Promise<number>, alert: wire.BudgetAlert): Promise<boolean> => {
    try {
      keep(alert, await written);
      return true;
    } catch (error) {
      if (isWrongRevision(error)) return false;
      throw error;
    }
  };
  const bytesOf = (alert: wire.BudgetAlert): Uint8Array =>
    toBinary(wire.BudgetAlertSchema, create(wire.BudgetAlertSchema, alert));
  return {
    known,
    raise: (alert) => {
      forget(Number(alert.reachedUnixMs));
      return unlessChanged(bucket.create(alert.id, bytesOf(alert)), alert);
    },
    replace: ({ revision }, alert) => unlessChanged(bucket.update(alert.id, bytesOf(alert), revision), alert),
    stop: () => watch.stop(),
  };
}

const wrongLastSequence = 10_071;
const isWrongRevision = (error: unknown): boolean => (error as { readonly code?: unknown }).code === wrongLastSequence;

/** Ignores undecodable entries: they must never crash a process. */
function read({ operation, value }: KvEntry): wire.BudgetAlert | undefined {
  if (operation !== 'PUT') return undefined;
  try {
    const alert = fromBinary(wire.BudgetAlertSchema, value);
    return alert.id === '' ? undefined : alert;
  } catch {
    return undefined;
  }
}
