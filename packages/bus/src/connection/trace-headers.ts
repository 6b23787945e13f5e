import { type MsgHdrs, type Msg, headers } from '@nats-io/nats-core';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';

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
