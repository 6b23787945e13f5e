import {
  busSettings,
  integer,
  optionalText,
  parseSettings,
  type SettingParser,
  SettingsError,
  text,
} from '@will/runtime';
import { isCronPattern } from './adapters/health-check-schedule.ts';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Slugs, tags, providers and call methods, comma separated; absent: all that this machine can serve. */
    models: ['WILL_WORKER_MODELS', optionalText],
    /** Modules that add providers and hooks: packages by name, files by path, comma separated. */
    extensions: ['WILL_EXTENSIONS', optionalText],
    /** Threads of one gguf model; 0: half of the machine's. */
    ggufThreads: ['WILL_GGUF_THREADS', integer(0, 0, 256)],
    /** What models of this process may take together; 0: three quarters of the machine's memory. */
    modelMemoryMb: ['WILL_MODEL_MEMORY_MB', integer(0, 0, 10_000_000)],
    /** Where the engine that runs containers is called. */
    containerEngine: ['WILL_CONTAINER_ENGINE', text('unix:///var/run/docker.sock')],
    /** When health checks run: a cron pattern with seconds, in the machine's zone. */
    healthSchedule: ['WILL_HEALTH_SCHEDULE', cronPattern('*/5 * * * * *')],
    /** A snapshot that was not confirmed for longer may allow what is forbidden by now: then only what no rule restricts. */
    staleAfterMs: ['WILL_STALE_AFTER_MS', integer(15_000, 1_000, 3_600_000)],
    /** How long calls in flight may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(120_000, 0, 600_000)],
  });

function cronPattern(fallback: string): SettingParser<string> {
  return (raw = fallback, name) => {
    if (!isCronPattern(raw))
      throw new SettingsError(`${name} ${JSON.stringify(raw)} must be a cron pattern: ${fallback}`);
    return raw;
  };
}
