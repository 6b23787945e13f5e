import { LivenessMonitor } from '@will/bus';
import type { ServiceName } from '../support/process.ts';
import type { System } from '../support/system.ts';

/** Kills processes of a service one by one, each replaced before; resolves with how long each death was unknown, in ms. */
export async function killAndTime(system: System, service: ServiceName, count: number): Promise<number[]> {
  const life = new LivenessMonitor(system.bus);
  const timesMs: number[] = [];
  try {
    for (let n = 0; n < count; n += 1) {
      const known = new Set(system.processes.processes.keys());
      const victim = await system.add(
        service,
        service === 'gateway' ? { WILL_HTTP_PORT: '0', WILL_GRPC_PORT: '0' } : {},
      );
      const processId = await newcomer(system, service, known);
      const lost = new Promise<void>((resolve) =>
        life.watch(processId, () => resolve(), { client: 'test', id: 'watched' }),
      );
      // At any point between two of its heartbeats.
      await new Promise((resolve) => setTimeout(resolve, 250 + Math.random() * 250));
      const killedMs = performance.now();
      victim.signal('SIGKILL');
      await lost;
      timesMs.push(performance.now() - killedMs);
    }
  } finally {
    life.close();
  }
  return timesMs;
}

/** The id of the process of a service that was not there before. */
async function newcomer(system: System, service: ServiceName, known: ReadonlySet<string>): Promise<string> {
  const find = (): string | undefined =>
    [...system.processes.processes.values()].find((one) => one.service === service && !known.has(one.processId))
      ?.processId;
  await system.until(() => find() !== undefined, `a new ${service}`);
  return find() ?? '';
}
