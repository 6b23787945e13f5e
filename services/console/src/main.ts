import type { IncomingMessage } from 'node:http';
import { auditNotes, connectBus } from '@will/bus';
import { readAssets } from '@will/console';
import { observe } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { connectBackends } from './adapters/bus-backends.ts';
import { parseConfig } from './config.ts';
import { Api } from './http/api.ts';
import { OidcPages } from './http/oidc-pages.ts';
import { Pages } from './http/pages.ts';
import { openServer } from './http/server.ts';
import { SessionGuard } from './sessions/guard.ts';
import { OidcSignIn } from './sessions/oidc.ts';
import { ConsoleSessions } from './sessions/sessions.ts';
import { authorOf } from './viewer.ts';

const logger = createLogger('console');

/** Serves the console and its API. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const sessionMs = config.sessionHours * 3_600_000;
  const observing = await observe('console', env, logger);
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'console',
    processId: newProcessId('console'),
    inboxScope: 'console',
    waitForServer: true,
    onError,
  });
  const backends = await connectBackends(bus, observing.url);
  const notes = auditNotes(bus, 'console', onError);
  const guard = new SessionGuard({
    areKeysRequired: config.keys === 'required',
    sessions: new ConsoleSessions(Date.now, sessionMs),
    findKey: backends.findKey,
    isKnownClient: (client) => backends.snapshot?.clients.has(client),
    nowMs: Date.now,
    onRefused: ({ keyId, what, why }) => {
      logger.warn({ keyId, what, why }, 'refused');
      notes.refused({ actor: keyId || 'nobody', action: 'console.refused', object: what, detail: why });
    },
  });
  const isSecure = ({ headers }: IncomingMessage): boolean => headers['x-forwarded-proto'] === 'https';
  const api = new Api({
    guard,
    backends,
    sessionMs,
    hasOidc: config.oidc !== undefined,
    isSecure,
    onChange: (viewer, what) =>
      notes.note({ actor: authorOf(viewer), action: 'console.changed', object: what, detail: viewer.role }),
  });
  const signIn =
    config.oidc &&
    new OidcSignIn({
      settings: config.oidc,
      nowMs: Date.now,
      onRefused: (actor, why) => {
        logger.warn({ actor, why }, 'refused');
        notes.refused({ actor, action: 'console.refused', object: 'GET /oidc/callback', detail: why });
      },
    });
  const server = await openServer({
    port: config.port,
    host: config.host,
    web: config,
    api,
    pages: new Pages(await readAssets()),
    oidc: signIn && new OidcPages({ guard, signIn, sessionMs, isSecure }),
    onError,
  });
  observing.watchDocuments(bus, backends.snapshots);
  logger.info({ processId: bus.processId, port: server.port }, 'serving');

  return {
    async stop() {
      await server.stop(config.drainMs);
      await notes.stop();
      await backends.close();
      await bus.close();
      await observing.stop();
    },
  };
}

if (import.meta.main) await runService(logger, start);
