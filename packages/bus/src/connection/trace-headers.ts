import { type MsgHdrs, type Msg, headers } from '@nats-io/nats-core';
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';

/** W3C trace context of the work under way, as headers of a message; undefined where nothing is traced. */
export function traceHeaders(): MsgHdrs | undefined {
  const active = context.active();
  if (active === ROOT_CONTEXT) return undefined;
  const carrier: Record<string, string> = {};
  propagation.inject(active, carrier);
  const entries = Object.entries(carrier);
  if (entries.length === 0) return undefined;
  const carried = headers();
  for (const [name, value] of entries) carried.set(name, value);
  return carried;
}

/** Does work as part of the trace that a message names, if it names one. */
export function withinTraceOf<T>(message: Msg, work: () => T): T {
  const { headers: carried } = message;
  if (!carried?.has('traceparent')) return work();
  const carrier = { traceparent: carried.get('traceparent'), tracestate: carried.get('tracestate') };
  return context.with(propagation.extract(ROOT_CONTEXT, carrier), work);
}

const tracer = trace.getTracer('will');

/** Does work as a span that is named by the words of a subject of this product: `registry apply`. */
export async function withinSpanOf(subject: string, work: () => Promise<void> | undefined): Promise<void> {
  const [, , service = '', operation = ''] = subject.split('.');
  const span = tracer.startSpan(`${service} ${operation}`.trim(), {
    kind: SpanKind.SERVER,
    attributes: { 'messaging.system': 'nats' },
  });
  try {
    await context.with(trace.setSpan(context.active(), span), work);
  } finally {
    span.end();
  }
}
