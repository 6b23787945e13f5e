/**
 * Loaded before a service (`NODE_OPTIONS=--import=…`): its wall clock is ahead by WILL_TEST_CLOCK_AHEAD_MS, and timers of
 * half a minute or more take a thirtieth, so that what is done each minute or hour is done while a test waits.
 */
const aheadMs = Number(process.env['WILL_TEST_CLOCK_AHEAD_MS']);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given) => Reflect.construct(target, given.length === 0 ? [target.now() + aheadMs] : given),
  get: (target, name) => (name === 'now' ? () => target.now() + aheadMs : Reflect.get(target, name)),
});

for (const name of ['setTimeout', 'setInterval'] as const) {
  const real = globalThis[name] as (work: () => void, ms?: number, ...given: unknown[]) => unknown;
  const sooner = (work: () => void, ms = 0, ...given: unknown[]) => real(work, ms < 30_000 ? ms : ms / 30, ...given);
  globalThis[name] = sooner as never;
}

export {};
