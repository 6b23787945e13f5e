import { contained } from '@will/runtime';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { sizes, wire } from '@will/contracts';
import { HealthImplementation } from 'grpc-health-check';
import { type Guard, openGuard } from '../../auth/keys/guard.ts';
import { lastWordsMs } from '../../admission/under-way.ts';
import type { ServerCertificate } from '../tls.ts';
import { credentialsOf } from './credentials.ts';
import { keepBlankHeaders, keepDoubledKeys } from './lost-headers.ts';
import { durableService } from './durable-service.ts';
import { guardCalls } from './guard-calls.ts';
import { limitMetadata } from './limit-metadata.ts';
import { registryService, telemetryService } from './read-services.ts';
import { addReflection } from './reflection.ts';
import { serveMethods } from './serve-methods.ts';
import { taskService, type TaskServiceOptions } from './task-service.ts';

/** A gRPC server that serves. */
export interface RunningGrpcServer {
  readonly port: number;
  /** Takes nothing new, waits for what is in flight at most `drainMs`, then ends it and closes every connection. */
  stop(drainMs: number): Promise<void>;
}

/** Address and ports of a gRPC server. */
export interface GrpcServerOptions extends TaskServiceOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Shown to callers. Default: the server speaks no TLS. */
  readonly certificate?: ServerCertificate | undefined;
  /** Who is let in. Default: everybody. */
  readonly guard?: Guard;
  /** Why no requests may be sent here now, for the health service; undefined: they may. */
  readonly whyNotReady: () => string | undefined;
  /** Told of failures that are the gateway's own. */
  readonly onError: (what: string, error: unknown) => void;
}

const services = [wire.TaskService, wire.DurableTaskService, wire.RegistryService, wire.TelemetryService];
/** How often what health says is looked at again. */
const healthEveryMs = 250;

const limits = {
  'grpc.max_receive_message_length': sizes.payloadBytes + sizes.messageBytes,
  'grpc.max_send_message_length': sizes.resultBytes + sizes.messageBytes,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Connections are renewed, so that callers find servers that were added; streams may outlive the renewal by an hour.
  'grpc.max_connection_age_ms': 300_000,
  'grpc.max_connection_age_grace_ms': 3_600_000,
} as const;

/** Opens the server. @throws when the port cannot be had; the message says how to mend it. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<RunningGrpcServer> {
  const { backends, onError, guard = openGuard, host = '127.0.0.1' } = options;
  const server = new Server({ ...limits, interceptors: [limitMetadata, guardCalls(guard)] });
  keepBlankHeaders(server);
  serveMethods(server, wire.TaskService, taskService(options), guard, onError);
  serveMethods(server, wire.DurableTaskService, durableService(backends, options.underWay), guard, onError);
  serveMethods(server, wire.RegistryService, registryService(backends), guard, onError);
  serveMethods(server, wire.TelemetryService, telemetryService(backends), guard, onError);
  const stopHealth = serveHealth(server, () => options.whyNotReady() === undefined);
  addReflection(server, services, [wire.ErrorInfoSchema]);
  const port = await listen(server, host, options.port, credentialsOf(options.certificate)).catch((error: unknown) => {
    stopHealth();
    throw error;
  });
  keepDoubledKeys(server);
  return {
    port,
    async stop(drainMs) {
      stopHealth();
      const ending = setTimeout(
        contained(() => options.underWay.endAll()),
        drainMs,
      );
      const breaking = setTimeout(
        contained(() => server.forceShutdown()),
        drainMs + lastWordsMs,
      );
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(ending);
      clearTimeout(breaking);
    },
  };
}

/** The standard health service: of the whole server ('') and of each service, whether requests may be sent here now. */
function serveHealth(server: Server, isReady: () => boolean): () => void {
  const health = new HealthImplementation();
  const tell = (): void => {
    const serving = isReady() ? 'SERVING' : 'NOT_SERVING';
    for (const name of ['', ...services.map(({ typeName }) => typeName)]) health.setStatus(name, serving);
  };
  tell();
  health.addToServer(server);
  const timer = setInterval(contained(tell), healthEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function listen(server: Server, host: string, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials, (cause, bound) => {
      if (!cause) return resolve(bound);
      reject(
        new Error(
          `cannot listen for gRPC on ${host}:${port} (${cause.message}); stop what listens there or set WILL_GRPC_PORT to another`,
          { cause },
        ),
      );
    });
  });
}
