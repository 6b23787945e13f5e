import { connectBus } from '@will/bus';
import { createLogger, newProcessId, runMain, untilStopped } from '@will/runtime';
import { BusSurroundings } from './adapters/bus-surroundings.ts';
import { parseConfig } from './config.ts';
import { openDoor } from './http/server.ts';
import { routes } from './routes.ts';

const logger = createLogger('gateway');

await runMain(logger, async (ready) => {
  const config = parseConfig(process.env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const surroundings = new BusSurroundings();
  // The door opens first: a taken port shows at once, and /healthz can say what is still missing.
  const door = await openDoor(
    config.port,
    routes({ surroundings, maxTasks: config.maxTasks, nowMs: Date.now, onError }),
    onError,
  );
  const bus = await connectBus({
    servers: config.natsUrl,
    processId: newProcessId('gateway'),
    inboxScope: 'gateway',
    waitForServer: true,
    onError,
  });
  await surroundings.connect(bus);
  ready();
  logger.info({ processId: bus.processId, port: door.port }, 'serving');

  await untilStopped();
  await door.stop(config.drainMs);
  await surroundings.close();
  await bus.close();
});
