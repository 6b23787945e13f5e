// Brings a nats-server where there is none, for commands that run the product themselves.
import { bringNatsServer } from './nats-server.ts';
import { Mendable, messageOf, say } from './say.ts';

try {
  await bringNatsServer();
} catch (error) {
  if (!(error instanceof Mendable)) throw error;
  say(messageOf(error));
  process.exitCode = 1;
}
