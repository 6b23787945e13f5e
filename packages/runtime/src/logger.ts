import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * JSON lines on stderr. Log ids, codes and numbers; never inputs, outputs or keys. Level by `WILL_LOG_LEVEL`
 * (default `info`). What is logged as part of a traced task carries the ids of its trace and span.
 */
export function createLogger(service: string, level = process.env['WILL_LOG_LEVEL'] ?? 'info'): Logger {
  return pino(
    { level, base: { service, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, mixin: traceIds },
    pino.destination({ fd: 2, sync: true }),
  );
}

function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
