import { create } from '@bufbuild/protobuf';
import { connectBus, ensureStreams, Outbox } from '@will/bus';
import { newId, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';

const [together, gapMs] = [40, 10];

/** What the record of a call costs the process that made the call, in microseconds each. */
export interface RecordCost {
  /** Processor time: made, put into its batch, encoded, sent and acknowledged, with the pacing. */
  readonly wholeUs: number;
  /** Processor time of the pacing alone. */
  readonly pacingUs: number;
  /** Before its call goes on. */
  readonly addingUs: number;
}

/** At some 4,000 a second, once as many as that have gone before. @throws {Error} not all were sent. */
export async function measureRecordCost(records: number): Promise<RecordCost> {
  const server = await startNatsServer();
  const bus = await connectBus({ servers: server.url, processId: `bench-${newId()}`, inboxScope: 'bench' });
  try {
    await ensureStreams(bus);
    const outbox = new Outbox(bus, { service: 'worker', kind: 'records' });
    let addingUs = 0;
    const add = (n: number): void => {
      const beganMs = performance.now();
      outbox.add(eventOf(n));
      addingUs += (performance.now() - beganMs) * 1_000;
    };
    await paced(records, add);
    const pacingUs = await paced(records, () => {});
    addingUs = 0;
    const wholeUs = await paced(records, add);
    const left = await outbox.close(20_000);
    if (left > 0 || outbox.dropped > 0) throw new Error(`${left} records were not sent, ${outbox.dropped} dropped`);
    return { wholeUs: wholeUs / records, pacingUs: pacingUs / records, addingUs: addingUs / records };
  } finally {
    await bus.close();
    await server.stop();
  }
}

/** In words. */
export const told = ({ wholeUs, pacingUs, addingUs }: RecordCost): string =>
  `a record: ${wholeUs.toFixed(1)} µs of processor time, ${pacingUs.toFixed(1)} µs of it the pacing itself; ${addingUs.toFixed(1)} µs before its call goes on`;

/** Does something so many times, spread over time as calls are. Returns the processor time of this process meanwhile. */
async function paced(times: number, work: (n: number) => void): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < times; n += 1) {
    work(n);
    if (n % together === 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function eventOf(n: number): wire.Event {
  const value = create(wire.CallRecordSchema, {
    attemptId: `attempt-${n}`,
    taskId: `task-${n}`,
    decisionId: `decision-${n}`,
    attempt: 1,
    revision: 7n,
    client: 'acmelegal',
    taskType: 'text_gen',
    model: 'gpt-4',
    modelName: 'GPT-4',
    modelVersion: '2024-08-06',
    provider: 'openai-compatible',
    workerId: 'worker-1',
    startedUnixMs: BigInt(n),
    durationMs: 812,
    outcome: 'Success',
    status: 'Success',
    finish: 'stop',
    usage: { inputTokens: 120, outputTokens: 48 },
    outputChars: 201,
    costNanoUsd: 1_234_567n,
    price: { input: 2_500_000_000n, output: 10_000_000_000n },
    writtenBy: 'worker',
  });
  return create(wire.EventSchema, { kind: { case: 'call', value } });
}
