import type { NatsConnection } from '@nats-io/nats-core';
import { BusError } from './api.ts';

/** What no user of ours may do: nobody serves any of it. */
const forbidden = ['$SYS.REQ.SERVER.PING', '$JS.API.STREAM.LIST', '$JS.API.STREAM.DELETE.NONE', 'will.v1.selftest'];
const everything = '>';

/**
 * Tries what must be refused, once, before anything else is done with a connection. @throws {BusError} 'unsuitable' when
 * something of it works: the server's permissions are not those of the product.
 */
export async function mustBeConfined(connection: NatsConnection): Promise<void> {
  const refusals: string[] = [];
  const statuses = connection.status();
  const reading = (async () => {
    for await (const status of statuses) if (status.type === 'error') refusals.push(String(status.error));
  })();
  for (const subject of forbidden) connection.publish(subject, new Uint8Array());
  const subscription = connection.subscribe(everything, { callback: () => {} });
  await connection.flush();
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  subscription.unsubscribe();
  (statuses as { stop?: () => void }).stop?.();
  void reading;
  const worked = [...forbidden, everything].filter(
    (subject) => !refusals.some((text) => text.includes(`"${subject}"`)),
  );
  if (worked.length > 0)
    throw new BusError(
      'unsuitable',
      `the bus lets this user reach ${worked.join(', ')}, which nobody may: give it its permissions`,
    );
}
