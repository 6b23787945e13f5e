import { workerData } from 'node:worker_threads';

// A thread beside the tests. It ends the process where one trial takes so much of the processor's time that it is in a
// loop without an end. The clock would not do: a busy machine lets a process stand still for minutes.

/** What the thread is given. */
export interface Watched {
  /** One number: of the trial under way, from 1; 0: none is. */
  readonly trial: Int32Array<SharedArrayBuffer>;
  readonly maxCpuMs: number;
}

const { trial, maxCpuMs } = workerData as Watched;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

let seen = 0;
let sinceMs = 0;
setInterval(() => {
  const now = Atomics.load(trial, 0);
  if (now !== seen) {
    seen = now;
    sinceMs = cpuMs();
  } else if (now !== 0 && cpuMs() - sinceMs > maxCpuMs) process.kill(process.pid, 'SIGKILL');
}, 500);
