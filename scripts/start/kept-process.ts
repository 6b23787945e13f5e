import type { ChildProcess } from 'node:child_process';
import { Mendable, say } from '../say.ts';
import type { LogFile } from './log-file.ts';
import { displayPath } from './settings.ts';

/** The first restart comes at once; only a process that dies again and again waits. */
const pausesMs = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000] as const;
/** After this long alive, a death counts as a first one again. */
const settledMs = 60_000;
const startLimitMs = 120_000;

export interface Launch {
  readonly name: string;
  readonly log: LogFile;
  /** Starts the process. */
  spawn(): ChildProcess;
  /** Resolves when it is up; rejects with its own reason when it says that it cannot. */
  untilUp(child: ChildProcess): Promise<void>;
}

/** A process that is started again when it dies: at once the first time, then ever more slowly, until it is stopped. */
export class KeptProcess {
  readonly name: string;
  readonly #launch: Launch;
  #child: ChildProcess | undefined;
  #isStopping = false;
  /** Deaths since it was last settled. */
  #deaths = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(launch: Launch) {
    this.name = launch.name;
    this.#launch = launch;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws {Mendable} its own one line, when it does not come up the first time. */
  async start(): Promise<void> {
    const child = this.#spawn();
    await upOrGone(this.#launch, child);
    this.#keep(child);
  }

  /** SIGTERM, then SIGKILL when it takes longer than `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#launch.log.mute();
    const child = this.#child;
    if (!child || isGone(child)) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      say(`${this.name} did not stop within ${graceMs / 1000} s: killed`);
      child.kill('SIGKILL');
    }, graceMs);
    await gone;
    clearTimeout(timer);
  }

  /** SIGKILL, at once; for the last moment. */
  kill(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }

  #spawn(): ChildProcess {
    const child = this.#launch.spawn();
    this.#child = child;
    if (child.stdout) this.#launch.log.follow(child.stdout);
    if (child.stderr) this.#launch.log.follow(child.stderr);
    return child;
  }

  #keep(child: ChildProcess): void {
    const sinceMs = Date.now();
    const onExit = (): void => {
      if (this.#isStopping) return;
      if (Date.now() - sinceMs > settledMs) this.#deaths = 0;
      this.#again(`${this.name} ended (${endOf(child)})`);
    };
    if (isGone(child)) onExit();
    else child.once('exit', onExit);
  }

  #again(reason: string): void {
    const pauseMs = pausesMs[Math.min(this.#deaths, pausesMs.length - 1)] as number;
    this.#deaths += 1;
    const when = pauseMs === 0 ? 'now' : `in ${pauseMs / 1000} s`;
    say(`${reason}: starting it again ${when} (log: ${displayPath(this.#launch.log.path)})`);
    this.#timer = setTimeout(() => void this.#restart(), pauseMs);
  }

  async #restart(): Promise<void> {
    const child = this.#spawn();
    try {
      await upOrGone(this.#launch, child);
      say(`${this.name} is up again`);
      this.#keep(child);
    } catch (error) {
      child.kill('SIGKILL');
      if (!this.#isStopping) this.#again((error as Error).message);
    }
  }
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const endOf = (child: ChildProcess): string => child.signalCode ?? `code ${child.exitCode}`;

async function upOrGone({ name, log, untilUp }: Launch, child: ChildProcess): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<never>((_, reject) => {
    const see = (what: string): void => reject(new Mendable(`${name} ${what} (log: ${displayPath(log.path)})`));
    child.once('error', (error) => see(`could not be started: ${error.message}`));
    // Its own last words, if any, come before this.
    child.once('close', () => see(`ended at its start (${endOf(child)})`));
    timer = setTimeout(() => see(`was not up within ${startLimitMs / 1000} s`), startLimitMs);
  });
  try {
    await Promise.race([untilUp(child), gone]);
  } finally {
    clearTimeout(timer);
  }
}
