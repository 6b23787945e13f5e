import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * JSON lines on stderr. Log ids, codes and numbers; never inputs, outputs or keys. Level by `WILL_LOG_LEVEL`
 * (default `info`).
 */
export function createLogger(service: string, level = process.env['WILL_LOG_LEVEL'] ?? 'info'): Logger {
  return pino(
    { level, base: { service, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}
