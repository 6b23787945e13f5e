export type ServiceName =
  | 'registry'
  | 'policy'
  | 'telemetry'
  | 'provider-worker'
  | 'router'
  | 'tasks'
  | 'gateway'
  | 'console';

/** Each group may start once the one before it is up; they stop in the reverse order. */
export const startOrder: readonly (readonly ServiceName[])[] = [
  ['registry'],
  ['policy', 'telemetry', 'provider-worker', 'router'],
  ['tasks'],
  ['gateway', 'console'],
];

/** So much longer than the drain time a service waits for tasks under way, by the way that they take. */
const drainsLongerMs: Readonly<Partial<Record<ServiceName, number>>> = {
  gateway: 0,
  tasks: 0,
  router: 500,
  'provider-worker': 1_000,
};

export const drainMsOf = (name: ServiceName, drainMs: number): number => drainMs + (drainsLongerMs[name] ?? 0);

/**
 * Stops services. Who has a part in tasks under way drains at the same time, the nearer to the caller the shorter: what a
 * server of callers ends is then still ended by the router, and recorded by its worker. The others follow one by one.
 */
export async function stopInOrder<T extends { readonly name: string }>(
  started: readonly T[],
  stop: (one: T) => Promise<void>,
): Promise<void> {
  await Promise.all(started.filter(({ name }) => Object.hasOwn(drainsLongerMs, name)).map(stop));
  for (const one of started.toReversed()) await stop(one);
}
