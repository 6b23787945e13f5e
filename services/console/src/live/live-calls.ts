import { contained } from '@will/runtime';
import { type Bus, followCalls } from '@will/bus';
import type { wire } from '@will/contracts';
import { CallWindow } from '@will/operator';

const windowMs = 60_000;
/** Records come by up to this much after the end of their call. */
const lateMs = 2_000;
/** The stream is read so long after the last view that asked for it. */
const idleMs = 60_000;

interface Following {
  readonly window: CallWindow;
  stop(): Promise<void>;
}

/** Calls as they end. The stream of events is read only while somebody looks, so that a closed console costs nothing. */
export class LiveCalls {
  readonly #bus: Bus;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<(call: wire.CallRecord) => void>();
  #following: Promise<Following> | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(bus: Bus, nowMs: () => number) {
    this.#bus = bus;
    this.#nowMs = nowMs;
  }

  /** Calls of the last minute. @throws {BusError} 'unsuitable': telemetry has never run here */
  async window(): Promise<CallWindow> {
    this.#following ??= this.#follow();
    this.#stopWhenIdle();
    try {
      return (await this.#following).window;
    } catch (error) {
      this.#following = undefined;
      throw error;
    }
  }

  /** Tells each call that ends from now on. Returns how to stop. */
  async listen(onCall: (call: wire.CallRecord) => void): Promise<() => void> {
    this.#listeners.add(onCall);
    try {
      await this.window();
    } catch (error) {
      this.#listeners.delete(onCall);
      throw error;
    }
    return () => {
      this.#listeners.delete(onCall);
      this.#stopWhenIdle();
    };
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const following = await this.#following?.catch(() => undefined);
    this.#following = undefined;
    await following?.stop();
  }

  async #follow(): Promise<Following> {
    const sinceMs = this.#nowMs() - windowMs;
    const window = new CallWindow(windowMs, sinceMs);
    const calls = await followCalls(this.#bus, sinceMs - lateMs, (call) => {
      window.add(call);
      for (const listener of this.#listeners) listener(call);
    });
    return { window, stop: () => calls.stop() };
  }

  #stopWhenIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(
      contained(() => {
        if (this.#listeners.size === 0) void this.stop();
      }),
      idleMs,
    );
    this.#idle.unref();
  }
}
