import { auditNotes, type AuditNotes, connectBus, holdsStill, LoopWatch } from '@will/bus';
import { measures, observe } from '@will/observe';
import {
  contained,
  busAddressOf,
  createLogger,
  newProcessId,
  runService,
  type Environment,
  type Service,
} from '@will/runtime';
import { BusBackends } from './adapters/bus-backends.ts';
import { Admission } from './admission/admission.ts';
import { parseConfig } from './config.ts';
import { startGrpcServer } from './server/grpc/server.ts';
import { startHttpServer } from './server/http/server.ts';
import { type Stray, strayInWords } from '@will/contracts';
import { serveJson } from './server/json/json-server.ts';
import { type Guard, keyGuard, openGuard } from './auth/keys/guard.ts';
import { GuardedBackends } from './auth/keys/guarded-backends.ts';
import { busNaming, NamedBackends, openNaming } from './auth/keys/named-backends.ts';
import { whyNotReady } from './server/readiness.ts';
import { routes } from './routes.ts';
import { ServerCertificate, tlsFilesOf } from './server/tls.ts';
import { UnderWay } from './admission/under-way.ts';

/** Of at most 16 MiB each, and a few times that while they are parsed. */
const maxLargeBodies = 8;
/** How soon work ends whose key was revoked or expired. */
const keysEveryMs = 500;
const logger = createLogger('gateway');

/** Opens the servers for callers. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const tlsFiles = tlsFilesOf(config);
  const certificate = tlsFiles && new ServerCertificate(tlsFiles, onError);
  // Without TLS there is nothing to read anew, and the signal ends the process as ever.
  const reload = (): void => certificate?.reload();
  if (certificate) process.on('SIGHUP', reload);
  const observing = await observe('gateway', env, logger);
  const backends = new BusBackends(observing.url);
  const areKeysRequired = config.keys === 'required';
  const shared = {
    backends,
    admission: new Admission(config.maxTasks),
    largeBodies: new Admission(maxLargeBodies),
    underWay: new UnderWay(),
    nowMs: Date.now,
    onIgnored: (count: number) => observing.count(measures.ignoredFields, count),
    onError,
  };
  const audit: { notes?: AuditNotes } = {};
  const guard = areKeysRequired ? guardBy(backends, () => audit.notes) : openGuard;
  const named = new NamedBackends(backends, openNaming);
  const stopping = { isBegun: false };
  const loop = new LoopWatch();
  const readyOr = (): string | undefined => whyNotReady(backends, stopping.isBegun);
  const servers = { ...shared, backends: areKeysRequired ? new GuardedBackends(named) : named };
  // The servers open first: a taken port shows at once, and /healthz can say what is still missing.
  const api = await startHttpServer(config.port, routes(servers, guard), onError, {
    guard,
    host: config.host,
    web: config,
    certificate,
    underWay: shared.underWay,
    stoodStillMs: () => loop.stoodStillMs(),
    onAnswered: observing.isMeasuring
      ? (request) => observing.time(measures.requests, request.seconds, request.labels)
      : undefined,
  });
  const grpc = await startGrpcServer({
    ...servers,
    whyNotReady: readyOr,
    guard,
    host: config.host,
    port: config.grpcPort,
    certificate,
  });
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'gateway',
    processId: newProcessId('gateway'),
    inboxScope: 'gateway',
    waitForServer: true,
    onError,
  });
  observing.watch(measures.busConnected, () => [[bus.isConnected ? 1 : 0]]);
  observing.watch(measures.revision, () => [[backends.snapshot?.revision ?? 0]]);
  observing.ready(readyOr);
  const notes = auditNotes(bus, 'gateway', onError);
  audit.notes = notes;
  await backends.connect(bus);
  const onStray = (subject: string, stray: Stray): void => {
    observing.count(measures.strays, 1, { reason: stray.reason });
    logger.warn({ reason: stray.reason }, strayInWords(subject, stray));
  };
  const onTheBus = new NamedBackends(backends, busNaming(config.natsSeedFile));
  const json = serveJson(bus, { ...shared, backends: onTheBus }, onStray);
  const endRevoked = setInterval(
    contained(() => endRevokedKeys(backends, shared.underWay)),
    keysEveryMs,
  );
  logger.info({ processId: bus.processId, port: api.port, grpcPort: grpc.port }, 'serving');

  return {
    async stop() {
      stopping.isBegun = true;
      api.leave();
      await new Promise((resolve) => setTimeout(resolve, config.stopDelayMs));
      clearInterval(endRevoked);
      process.off('SIGHUP', reload);
      certificate?.stop();
      await Promise.all([json.stop(config.drainMs), api.stop(config.drainMs), grpc.stop(config.drainMs)]);
      loop.stop();
      await notes.stop();
      await backends.close();
      await bus.close();
      await observing.stop();
    },
  };
}

/** Lets in who has a key that holds; each refusal is logged and noted. */
function guardBy(backends: BusBackends, notes: () => AuditNotes | undefined): Guard {
  return keyGuard({
    find: () => backends.keys && ((id) => backends.keys?.get(id)),
    isKnownClient: (client) => backends.snapshot?.clients.has(client),
    nowMs: Date.now,
    onRefused: ({ keyId, what, why }) => {
      logger.warn({ keyId, what, why }, 'refused');
      notes()?.refused({ actor: keyId || 'nobody', action: 'request.refused', object: what, detail: why });
    },
  });
}

function endRevokedKeys({ keys }: BusBackends, underWay: UnderWay): void {
  const ended = keys ? underWay.endKeys((id) => holdsStill((name) => keys.get(name), id, Date.now())) : 0;
  if (ended > 0) logger.info({ ended }, 'tasks of keys that no longer hold were cancelled');
}

if (import.meta.main) await runService(logger, start);
