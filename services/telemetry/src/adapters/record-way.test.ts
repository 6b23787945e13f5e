import { join } from 'node:path';
import { EventBatchWriter } from '@will/contracts';
import { openCallLog } from '@will/store';
import { completeCallRecord } from '@will/testkit';
import { expect, test } from 'vitest';
import { newFolder } from '../samples.ts';
import { eventsFromWire } from './events-from-wire.ts';
import { recordToWire } from './records-to-wire.ts';

test('every field of a call record comes from its writer through a batch and the store to an operator', async () => {
  const record = completeCallRecord();
  const writer = new EventBatchWriter('worker');
  writer.add({ $typeName: 'will.v1.Event', kind: { case: 'call', value: recordToWire(record) } });
  const events = eventsFromWire(writer.take(), (error) => expect.unreachable(error.message));
  expect(events).toEqual([{ kind: 'call', record }]);

  const folder = await newFolder();
  const log = await openCallLog(join(folder.path, 'calls.sqlite'));
  try {
    await log.ingest(events);
    const [kept] = await log.calls({}, 1);
    expect(kept).toEqual(record);
    expect(recordToWire(kept ?? record)).toEqual(recordToWire(record));
  } finally {
    await log.close();
    await folder.remove();
  }
});
