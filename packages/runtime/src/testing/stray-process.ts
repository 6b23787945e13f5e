// A service whose callbacks fail in every way that a process could end of. `before`: one does before it is ready.
// `stopped at its start`: it is asked to stop before that.
import { EventEmitter } from 'node:events';
import { createLogger } from '../logger.ts';
import { runService, type Service } from '../process.ts';
import { contained } from '../contained.ts';

const secret = 'what somebody said';
const fail = (): never => {
  throw new TypeError(secret);
};

async function start(): Promise<Service> {
  if (process.argv[2] === 'before') {
    setImmediate(fail);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (process.argv[2] === 'stopped at its start') {
    process.kill(process.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const target = new EventTarget();
  target.addEventListener('abort', fail);
  const emitter = new EventEmitter();
  emitter.on('data', fail);
  setTimeout(contained(fail), 1);
  setTimeout(fail, 2);
  setTimeout(() => target.dispatchEvent(new Event('abort')), 3);
  setTimeout(() => emitter.emit('data'), 4);
  setTimeout(() => void Promise.reject(new TypeError(secret)), 5);
  // A server would keep the process alive.
  setInterval(() => {}, 1_000);
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50);
  return { stop: async () => void process.stdout.write('served to the end\n') };
}

await runService(createLogger('stray'), start);
