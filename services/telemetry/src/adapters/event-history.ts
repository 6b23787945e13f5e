import { fromBinary } from '@bufbuild/protobuf';
import { DeliverPolicy, jetstream, jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { Bus } from '@will/bus';
import { names, wire } from '@will/contracts';
import type { EventHistory } from '../ports.ts';

const pollIntervalMs = 50;
/** Batches of up to a megabyte: enough of them to keep the server busy, and not more than memory is for. */
const batchesAhead = 64;

/** The part of the stream of events that is still kept of what telemetry has taken. */
export const busEventHistory = (bus: Bus, consumer: string): EventHistory => ({
  async untilTaken(limitMs) {
    const manager = await jetstreamManager(bus.connection);
    const { state } = await manager.streams.info(names.eventsStream);
    const giveUpMs = performance.now() + limitMs;
    while (performance.now() < giveUpMs) {
      const {
        ack_floor: taken,
        num_pending,
        num_ack_pending,
      } = await manager.consumers.info(names.eventsStream, consumer);
      if (taken.stream_seq >= state.last_seq || num_pending + num_ack_pending === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    }
    return false;
  },
  async erase(client) {
    const manager = await jetstreamManager(bus.connection);
    const { state } = await manager.streams.info(names.eventsStream);
    const found = await batchesOf(client, bus, state);
    for (const sequence of found) await eraseOne(manager, sequence);
    return found.length;
  },
});

/** Sequences of the batches that tell of a client, up to where the stream ended when it was asked. */
async function batchesOf(
  client: string,
  bus: Bus,
  { messages, last_seq: last }: StreamInfo['state'],
): Promise<number[]> {
  const found: number[] = [];
  if (messages === 0) return found;
  const options = { deliver_policy: DeliverPolicy.All };
  const consumer = await jetstream(bus.connection).consumers.get(names.eventsStream, options);
  const reading = await consumer.consume({ max_messages: batchesAhead });
  try {
    for await (const { seq, data, info } of reading) {
      if (seq <= last && tellsOf(client, data)) found.push(seq);
      if (seq >= last || info.pending === 0) break;
    }
  } finally {
    await reading.close();
  }
  return found;
}

/** Overwritten, not only unlinked. One that has gone meanwhile, by its age, is what was wanted. */
async function eraseOne(manager: JetStreamManager, sequence: number): Promise<void> {
  await manager.streams.deleteMessage(names.eventsStream, sequence, true).catch(async (error: unknown) => {
    const stillThere = await manager.streams.getMessage(names.eventsStream, { seq: sequence }).catch(() => null);
    if (stillThere) throw error;
  });
}

/** A row is its scope's client's. */
function tellsOf(client: string, data: Uint8Array): boolean {
  try {
    const { events, callScopes, decisionScopes } = fromBinary(wire.EventBatchSchema, data);
    const scopes = [...callScopes, ...decisionScopes];
    return scopes.some((scope) => scope.client === client) || events.some((event) => clientOf(event) === client);
  } catch {
    // What cannot be read was taken by nobody, and tells of nobody that could be found.
    return false;
  }
}

function clientOf({ kind }: wire.Event): string | undefined {
  switch (kind.case) {
    case 'call':
    case 'decision':
      return kind.value.client;
    case 'intent':
      return kind.value.record?.client;
    case 'rankedSet':
      return kind.value.facts?.client;
    // They name a task and a model.
    case 'feedback':
    case 'modelChange':
    case undefined:
      return undefined;
  }
}
