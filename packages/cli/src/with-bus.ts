import { type Bus, BusError, connectBus } from '@will/bus';
import { newId } from '@will/contracts';
import { type BusAddress, findBus } from './bus-address.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** Does something with a connection to the bus and closes it. @throws {CliError} 3 when no bus answers. */
export async function withBus<T>(terminal: Terminal, use: (bus: Bus) => Promise<T>, inboxScope = 'cli'): Promise<T> {
  const address = findBus(terminal.env);
  const bus = await open(address, inboxScope);
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

async function open({ url, from, seedFile, tls }: BusAddress, inboxScope: string): Promise<Bus> {
  try {
    return await connectBus({ servers: url, seedFile, tls, processId: `cli-${newId()}`, inboxScope });
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    throw new CliError(
      exitCodes.unreachable,
      `${cause.message} (from ${from}); run \`npm start\`, or set NATS_URL to where it runs`,
      { cause },
    );
  }
}

export { ask } from '@will/operator';
