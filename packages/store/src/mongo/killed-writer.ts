// For tests: takes the same numbered records in again and again until it is killed, and says which batch was stored.
import { callRecord } from '../contract/samples.ts';
import { openMongoCallLog } from './open.ts';

const [uri = '', first = '0'] = process.argv.slice(2);
const log = await openMongoCallLog({ uri });
for (let batch = Number(first); ; batch += 1) {
  await log.ingest(batchOf(batch).map((record) => ({ kind: 'call', record })));
  process.stdout.write(`${batch}\n`);
}

function batchOf(batch: number) {
  return Array.from({ length: 40 }, (_, index) => {
    const attemptId = `attempt-${batch * 20 + index}`;
    const hour = (batch + index) % 5;
    // Half of each batch is repeated in the next, by a better writer.
    const writtenBy = index < 20 ? 'worker' : 'router';
    return callRecord({ attemptId, writtenBy, startedAtMs: hour * 3_600_000, costNanoUsd: 3n });
  });
}
