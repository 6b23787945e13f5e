// A service whose callbacks fail in every way that a process could end of. `before`: one does before it is ready.
import { EventEmitter } from 'node:events';
import { createLogger } from '../logger.ts';
import { runMain } from '../process.ts';
import { contained } from '../contained.ts';

const secret = 'what somebody said';
const fail = (): never => {
  throw new TypeError(secret);
};

await runMain(createLogger('stray'), async (ready) => {
  if (process.argv[2] === 'before') setImmediate(fail);
  else ready();
  const target = new EventTarget();
  target.addEventListener('abort', fail);
  const emitter = new EventEmitter();
  emitter.on('data', fail);
  setTimeout(contained(fail), 1);
  setTimeout(fail, 2);
  setTimeout(() => target.dispatchEvent(new Event('abort')), 3);
  setTimeout(() => emitter.emit('data'), 4);
  setTimeout(() => void Promise.reject(new TypeError(secret)), 5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.stdout.write('served to the end\n');
});
