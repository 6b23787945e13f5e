import { isAbsolute, join, relative } from 'node:path';
import { integer, isLoopbackHost, oneOf, optionalText, parseSettings, type SettingParser, text } from '@will/runtime';
import { root } from '../paths.ts';

/** A port, or `off`. */
const portOrOff =
  (fallback: number): SettingParser<number | undefined> =>
  (raw, name) =>
    raw === 'off' ? undefined : integer(fallback, 1, 65_535)(raw, name);

const portIfSet: SettingParser<number | undefined> = (raw, name) =>
  raw === undefined ? undefined : integer(0, 1, 65_530)(raw, name);

/** What `npm start` reads. Relative folders count from the repository. @throws {SettingsError} */
export function readSettings(env: Readonly<Record<string, string | undefined>>) {
  const settings = parseSettings(env, {
    httpPort: ['WILL_HTTP_PORT', integer(8080, 1, 65_535)],
    /** 0: any free one. */
    grpcPort: ['WILL_GRPC_PORT', integer(50_051, 0, 65_535)],
    /** `off`: no console is started. */
    adminPort: ['WILL_ADMIN_PORT', portOrOff(8090)],
    /** The first of eight, one for each service's metrics and health; absent: any that are free. */
    metricsPort: ['WILL_METRICS_PORT', portIfSet],
    natsPort: ['WILL_NATS_PORT', integer(4222, 1, 65_535)],
    dataDir: ['WILL_DATA_DIR', text('.will')],
    documents: ['WILL_DOCUMENTS', text('deploy/documents')],
    firstModel: ['WILL_FIRST_MODEL', optionalText],
    ollamaUrl: ['WILL_OLLAMA_URL', text('http://127.0.0.1:11434')],
    natsUrl: ['NATS_URL', optionalText],
    /** Set: the gateway's servers speak TLS. */
    tlsCert: ['WILL_TLS_CERT', optionalText],
    /** `auto`: one process for all services, where that is as safe as one for each; `separate`: always one for each. */
    processes: ['WILL_PROCESSES', oneOf(['auto', 'separate'])],
    keys: ['WILL_KEYS', optionalText],
    listenHost: ['WILL_LISTEN_HOST', text('127.0.0.1')],
    adminHost: ['WILL_ADMIN_HOST', text('127.0.0.1')],
    metricsHost: ['WILL_METRICS_HOST', text('127.0.0.1')],
    /** How long calls in flight may take after Ctrl-C. */
    drainMs: ['WILL_DRAIN_MS', integer(2_000, 0, 600_000)],
  });
  return { ...settings, dataDir: fromRoot(settings.dataDir), documents: fromRoot(settings.documents) };
}

/** Services in one process could read each other's memory: only where all callers are this machine's own. */
export const isOneProcess = (settings: StartSettings, isSecure: boolean): boolean =>
  settings.processes === 'auto' &&
  !isSecure &&
  settings.keys !== 'required' &&
  [settings.listenHost, settings.adminHost, settings.metricsHost].every(isLoopbackHost);

export type StartSettings = ReturnType<typeof readSettings>;

const fromRoot = (path: string): string => (isAbsolute(path) ? path : join(root, path));

/** A path as the reader would type it in the repository's folder. */
export function displayPath(path: string): string {
  const short = relative(root, path);
  return short.startsWith('..') ? path : short;
}
