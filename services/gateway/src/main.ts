import { connectBus } from '@will/bus';
import { createLogger, newProcessId, runMain, untilStopped } from '@will/runtime';
import { BusSurroundings } from './adapters/bus-surroundings.ts';
import { Admission } from './admission.ts';
import { parseConfig } from './config.ts';
import { openGrpcDoor } from './grpc/server.ts';
import { openDoor } from './http/server.ts';
import { serveJson } from './json/json-door.ts';
import { routes } from './routes.ts';

/** Of at most 16 MiB each, and a few times that while they are parsed. */
const mostLargeBodies = 8;
const logger = createLogger('gateway');

await runMain(logger, async (ready) => {
  const config = parseConfig(process.env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const surroundings = new BusSurroundings();
  const shared = {
    surroundings,
    admission: new Admission(config.maxTasks),
    largeBodies: new Admission(mostLargeBodies),
    nowMs: Date.now,
    onError,
  };
  // The doors open first: a taken port shows at once, and /healthz can say what is still missing.
  const door = await openDoor(config.port, routes(shared), onError);
  const grpc = await openGrpcDoor({ ...shared, port: config.grpcPort });
  const bus = await connectBus({
    servers: config.natsUrl,
    processId: newProcessId('gateway'),
    inboxScope: 'gateway',
    waitForServer: true,
    onError,
  });
  await surroundings.connect(bus);
  const json = serveJson(bus, shared);
  ready();
  logger.info({ processId: bus.processId, port: door.port, grpcPort: grpc.port }, 'serving');

  await untilStopped();
  await Promise.all([json.stop(config.drainMs), door.stop(config.drainMs), grpc.stop(config.drainMs)]);
  await surroundings.close();
  await bus.close();
});
