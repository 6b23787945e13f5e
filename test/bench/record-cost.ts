import { create } from '@bufbuild/protobuf';
import { connectBus, ensureStreams, Outbox } from '@will/bus';
import { newId, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';

// `npm run bench:records`: what the record of a call costs the process that made the call. Made, put into its batch, encoded,
// sent and acknowledged, at some 4,000 a second beside the price of the timers that pace them; in a process that is warm.

const warmUpRecords = 24_000;
const records = 20_000;
const [together, gapMs] = [40, 10];

const server = await startNatsServer();
const bus = await connectBus({ servers: server.url, processId: `bench-${newId()}`, inboxScope: 'bench' });
try {
  await ensureStreams(bus);
  await paced(warmUpRecords, () => {});
  const idleUs = await paced(records, () => {});
  const outbox = new Outbox(bus, { service: 'worker', kind: 'records' });
  let addingUs = 0;
  const add = (n: number): void => {
    const beganMs = performance.now();
    outbox.add(eventOf(n));
    addingUs += (performance.now() - beganMs) * 1_000;
  };
  await paced(warmUpRecords, add);
  addingUs = 0;
  const cpuUs = await paced(records, add);
  const left = await outbox.close(20_000);
  if (left > 0 || outbox.dropped > 0) throw new Error(`${left} records were not sent, ${outbox.dropped} dropped`);
  const each = (us: number): string => `${(us / records).toFixed(1)} µs`;
  console.log(
    `a record: ${each(cpuUs)} of processor time, ${each(idleUs)} of it the pacing itself; ${each(addingUs)} before its call goes on`,
  );
} finally {
  await bus.close();
  await server.stop();
}

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
    fine: 'Success',
    finish: 'stop',
    usage: { inputTokens: 120, outputTokens: 48 },
    outputChars: 201,
    costNanoUsd: 1_234_567n,
    price: { input: 2_500_000_000n, output: 10_000_000_000n },
    writtenBy: 'worker',
  });
  return create(wire.EventSchema, { kind: { case: 'call', value } });
}
