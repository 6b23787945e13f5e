import { announce, connectBus } from '@will/bus';
import { createLogger, newProcessId, runMain, untilStopped } from '@will/runtime';
import { storesAt } from '@will/store';
import { serveQuestions } from './adapters/bus-questions.ts';
import { EventStream } from './adapters/event-stream.ts';
import { parseConfig } from './config.ts';
import { repeat } from './repeat.ts';
import { Telemetry } from './service.ts';

const sweepEveryMs = 1_000;
const logger = createLogger('telemetry');

await runMain(logger, async (ready) => {
  const config = parseConfig(process.env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const log = await storesAt(config).calls();
  const bus = await connectBus({
    servers: config.natsUrl,
    processId: newProcessId('telemetry'),
    inboxScope: 'telemetry',
    waitForServer: true,
    onError,
  });
  const events = new EventStream(bus, {
    onMalformed: ({ kind, message }) => logger.warn({ kind, message }, 'malformed event; later ones are only counted'),
    onError,
    nowMs: Date.now,
  });
  const telemetry = new Telemetry({ log, progress: events, onError });
  await events.start((delivery) => telemetry.take(delivery));
  const sweeper = repeat(
    sweepEveryMs,
    async () => {
      if (!bus.isConnected) return;
      const written = await telemetry.sweep();
      if (written > 0)
        logger.warn({ attempts: written }, 'nobody reported the end of these; written as outcome_unknown');
    },
    onError,
  );
  const door = serveQuestions(bus, telemetry, onError);
  const presence = await announce(bus, 'telemetry', () => ({ revision: 0 }));
  ready();
  logger.info({ processId: bus.processId }, 'serving');

  await untilStopped();
  await door.stop();
  await sweeper.stop();
  await events.stop();
  await telemetry.drain();
  await presence.stop();
  await bus.close();
  await log.close();
});
