/** Calls per second that a system does when nothing holds it back, sixteen at once. */
export async function peakPerSecond(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  let done = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() - from < 1_500) {
      await run();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, loop));
  return done / ((performance.now() - from) / 1_000);
}

/** Calls that begin at their time, however long earlier ones take. */
export interface OpenLoad {
  /** False: the last one has begun. */
  readonly isRunning: boolean;
  /** Resolves when all have ended, with what failed. */
  readonly failures: Promise<readonly unknown[]>;
}

export function startOpenLoad(run: () => Promise<unknown>, calls: number, perSecond: number): OpenLoad {
  const startedMs = performance.now();
  const failures: unknown[] = [];
  const running: Promise<unknown>[] = [];
  let sent = 0;
  const sending = (async () => {
    while (sent < calls) {
      const due = Math.min(calls, Math.floor(((performance.now() - startedMs) / 1_000) * perSecond) + 1);
      for (; sent < due; sent += 1) running.push(run().catch((error: unknown) => failures.push(error)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return {
    get isRunning() {
      return sent < calls;
    },
    failures: sending.then(async () => {
      await Promise.all(running);
      return failures;
    }),
  };
}

/** What failed, each reason once. */
export const reasonsIn = (failures: readonly unknown[]): readonly string[] => [
  ...new Set(
    failures.map((error) => `${(error as { code?: string }).code}: ${(error as Error).message.slice(0, 200)}`),
  ),
];
