import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { schemaUrl } from './conventions.ts';

export type SpanKindName = 'server' | 'client' | 'internal' | 'consumer';

const kinds: Readonly<Record<SpanKindName, SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
  consumer: SpanKind.CONSUMER,
};

/** Work that a trace shows. Without tracing all of this does nothing, and costs as much. */
export interface OpenSpan {
  /** Runs work as part of it: what is begun or asked for there lies below it. */
  run<T>(work: () => T): T;
  set(attributes: Attributes): void;
  /** Once. `errorType`: a short name from a closed set, never a message, which could quote what a caller wrote. */
  end(errorType?: string): void;
}

// The proxy: it finds the tracer that is set up later.
const tracer = trace.getTracerProvider().getTracer('will', undefined, { schemaUrl });

let isTracing = false;

/** From now on spans are made: before, nobody would be sent them. */
export const startSpans = (): void => {
  isTracing = true;
};

/**
 * Begins a span below the present one, or below the one that headers from outside name.
 * @param headers W3C `traceparent` and `tracestate` among others.
 * @param linkedTo W3C `traceparent` of other work that this one follows from; '' or absent: none.
 */
export function openSpan(
  name: string,
  kind: SpanKindName,
  attributes: Attributes,
  headers?: Readonly<Record<string, unknown>>,
  linkedTo = '',
): OpenSpan {
  if (!isTracing) return noSpan;
  const parent = headers ? parentIn(headers) : context.active();
  const span = tracer.startSpan(name, { kind: kinds[kind], attributes, links: linksTo(linkedTo) }, parent);
  if (!span.isRecording() && parent === ROOT_CONTEXT) return noSpan;
  const within = trace.setSpan(parent, span);
  return {
    run: (work) => context.with(within, work),
    set: (more) => void span.setAttributes(more),
    end(errorType) {
      if (errorType !== undefined) {
        span.setAttribute('error.type', errorType);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

const linksTo = (traceparent: string): Link[] => {
  const linked = traceparent === '' ? undefined : trace.getSpanContext(parentIn({ traceparent }));
  return linked ? [{ context: linked }] : [];
};

/** W3C `traceparent` of the work under way; '' where nothing is traced. */
export function traceparent(): string {
  if (!isTracing) return '';
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'] ?? '';
}

const parentIn = (headers: Readonly<Record<string, unknown>>): Context => propagation.extract(ROOT_CONTEXT, headers);

/** The span of work that nobody traces. */
export const noSpan: OpenSpan = { run: (work) => work(), set: () => {}, end: () => {} };
