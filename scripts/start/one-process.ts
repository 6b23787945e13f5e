// All services in one process, each with its own connection and settings; `npm start` runs it and is told how it goes.
import { AsyncLocalStorage } from 'node:async_hooks';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  contained,
  createLogger,
  type Environment,
  makeFilesPrivate,
  outliveStrays,
  type Service,
  untilStopped,
} from '@will/runtime';
import { root } from '../paths.ts';
import { inherited } from './environment.ts';
import type { Hosted } from './hosted.ts';
import { type ServiceName, stopInOrder } from './order.ts';

const logger = createLogger('services');
const started: { readonly name: ServiceName; readonly stop: () => Promise<void> }[] = [];
/** Which service the present work is of. */
const work = new AsyncLocalStorage<ServiceName>();

makeFilesPrivate();
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.once('message', (hosted: Hosted) => void host(hosted));

async function host({ groups }: Hosted): Promise<void> {
  for (const group of groups) {
    const results = await Promise.allSettled(group.map(({ name, env }) => begin(name, env)));
    const failed = results.findIndex(({ status }) => status === 'rejected');
    const result = results[failed];
    if (result?.status === 'rejected') return giveUp(`${group[failed]?.name}: ${messageOf(result.reason)}`);
  }
  outliveStrays(logger, (stack) => ({ service: work.getStore() ?? serviceIn(stack) ?? 'services' }));
  process.send?.({ kind: 'ready' });
  setImmediate(contained(flushCompileCache));
  await untilStopped();
  await stopInOrder(started, ({ stop }) => stop());
  process.exit(0);
}

async function begin(name: ServiceName, env: Environment): Promise<void> {
  const main = pathToFileURL(join(root, 'services', name, 'src', 'main.ts')).href;
  const { start } = (await import(main)) as { readonly start: (env: Environment) => Promise<Service> };
  const service = await work.run(name, () => start({ ...inherited(name), ...env }));
  let stopping: Promise<void> | undefined;
  started.push({ name, stop: () => (stopping ??= service.stop()) });
}

/** The first service in a stack is the one that it happened in. */
const serviceIn = (stack: string): string | undefined => /[/\\]services[/\\]([a-z-]+)[/\\]/.exec(stack)?.[1];

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function giveUp(message: string): void {
  logger.fatal(message);
  // The word needs a moment to leave.
  process.send?.({ kind: 'failed', message });
  process.exitCode = 1;
  setTimeout(
    contained(() => process.exit(1)),
    50,
  );
}
