// Which mutant is active in this process, and which were met. The instrumented modules read it where Stryker put it; so
// it is loaded before them.

interface Namespace {
  activeMutant?: string | undefined;
  mutantCoverage: { readonly static: Record<string, number>; readonly perTest: Record<string, Record<string, number>> };
  /** What is met is noted under it; undefined: as met at load. */
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

const holder = globalThis as { __stryker__?: Namespace };
const namespace = (holder.__stryker__ ??= { mutantCoverage: { static: {}, perTest: {} } });
const test = 'test';

/** A mutant that is met that many times more often than its place was is taken for a loop without an end. */
const manyTimes = 100;

export function activate(id: string, hits: number): void {
  namespace.activeMutant = id;
  namespace.hitCount = 0;
  namespace.hitLimit = manyTimes * hits + 1_000;
}

export function deactivate(): void {
  namespace.activeMutant = undefined;
}

export function startToMeet(): void {
  namespace.mutantCoverage.perTest[test] = {};
  namespace.currentTestId = test;
}

/** How often each was met since {@link startToMeet}. */
export function endToMeet(): ReadonlyMap<string, number> {
  namespace.currentTestId = undefined;
  return new Map(Object.entries(namespace.mutantCoverage.perTest[test] ?? {}));
}

/** Met while no test ran: where it is too late to choose one. */
export const metAtLoad = (): readonly string[] => Object.keys(namespace.mutantCoverage.static);
