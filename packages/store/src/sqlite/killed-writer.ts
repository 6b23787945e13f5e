import { newTask } from '../contract/samples.ts';
import { openTaskStore } from './open.ts';

// For a test: writes one task after another and says how many were answered, until it is killed.
const store = await openTaskStore(process.argv[2] as string);
for (let answered = 0; ; answered += 1) {
  process.stdout.write(`${answered}\n`);
  await store.insert(newTask({ taskId: `task-${answered}`, idempotencyKey: `key-${answered}` }));
}
