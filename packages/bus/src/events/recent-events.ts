import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { names, patterns, readEvents, type wire } from '@will/contracts';
import { BusError, type Bus } from '../api.ts';
import { tellAll } from '../connection/tell-all.ts';

/**
 * Every call record since an instant, then each as it comes, also those that telemetry has stored already: what stands in the
 * stream is read beside telemetry, and nothing is taken from it. Resolves once what was there has been told. Batches that
 * cannot be read are left out. @throws {BusError} 'unsuitable': no stream of events is there.
 */
export async function followCalls(
  bus: Bus,
  sinceUnixMs: number,
  onCall: (call: wire.CallRecord) => void,
): Promise<{ stop(): Promise<void> }> {
  const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
  const consumer = await jetstream(bus.connection)
    .consumers.get(names.eventsStream, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(sinceUnixMs).toISOString(),
      filter_subjects: patterns.events,
    })
    .catch((cause: unknown) => {
      throw new BusError('unsuitable', 'there is no stream of events; telemetry has never run here', { cause });
    });
  const { num_pending: before } = await consumer.info();
  if (before === 0) resolve();
  const messages = await consumer.consume({
    callback: ({ data, info: { pending } }) => {
      for (const call of callsIn(data)) tellAll(bus, 'telling of a call', [onCall], call);
      if (pending === 0) resolve();
    },
  });
  await caughtUp;
  return {
    stop: async () => {
      await messages.close();
    },
  };
}

function callsIn(data: Uint8Array): readonly wire.CallRecord[] {
  const calls: wire.CallRecord[] = [];
  try {
    readEvents(data, (kind) => kind.case === 'call' && calls.push(kind.value), { call: true });
  } catch {
    // The calls before the fault are told.
  }
  return calls;
}
