import type { IncomingMessage, ServerResponse } from 'node:http';
import { context, diag, DiagLogLevel, type Meter, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { schemaUrl } from './conventions.ts';
import type { parseObserveSettings } from './settings.ts';
import { startSpans } from './spans.ts';

type Settings = ReturnType<typeof parseObserveSettings>;

export interface Sdk {
  readonly meter: Meter;
  /** Answers with all metrics; undefined: nobody may ask. */
  readonly scrape: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  stop(): Promise<void>;
}

/** Told of the SDK's own troubles, such as a collector that is away, at most once a minute each. */
type OnTrouble = (what: string, message: string) => void;

/** Everything of OpenTelemetry that the settings ask for, registered for the whole process. */
export function startSdk(service: string, settings: Settings, onTrouble: OnTrouble): Sdk {
  tellTroubles(onTrouble);
  const resource = resourceOf(service);
  const prometheus =
    settings.port === undefined
      ? undefined
      : new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const meters = new MeterProvider({ resource, readers: readersOf(settings, prometheus) });
  const tracers = settings.sendsTraces ? startTracing(resource, settings) : undefined;
  return {
    meter: meters.getMeter('will', undefined, { schemaUrl: schemaUrlOf(settings) }),
    scrape: prometheus && ((request, response) => prometheus.getMetricsRequestHandler(request, response)),
    async stop() {
      await Promise.allSettled([tracers?.shutdown(), meters.shutdown()]);
    },
  };
}

const schemaUrlOf = ({ genAiMetrics }: Settings): string =>
  genAiMetrics === '0.1.0' ? schemaUrl : `https://opentelemetry.io/schemas/${genAiMetrics}`;

/** `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence over our own words. */
const resourceOf = (service: string): Resource =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.namespace': 'will', 'service.name': `will-${service}` }))
    .merge(detectResources({ detectors: [envDetector] }));

function readersOf(settings: Settings, prometheus: PrometheusExporter | undefined): IMetricReader[] {
  const readers: IMetricReader[] = prometheus ? [prometheus] : [];
  if (settings.sendsMetrics)
    readers.push(
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter(),
        exportIntervalMillis: settings.metricIntervalMs,
        exportTimeoutMillis: Math.min(10_000, settings.metricIntervalMs),
      }),
    );
  return readers;
}

function startTracing(resource: Resource, settings: Settings): TracerProvider {
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(settings),
    // Bounded: spans beyond the queue are dropped, calls never wait for them.
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        maxQueueSize: 8_192,
        scheduledDelayMillis: settings.spanDelayMs,
      }),
    ],
    spanLimits: { attributeValueLengthLimit: 256, attributeCountLimit: 64 },
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  startSpans();
  return provider;
}

function samplerOf({ sampler, samplerShare }: Settings): Sampler {
  const root = sampler.endsWith('always_on')
    ? new AlwaysOnSampler()
    : sampler.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(samplerShare);
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

const sameTroubleEveryMs = 60_000;

function tellTroubles(onTrouble: OnTrouble): void {
  const saidAtMs = new Map<string, number>();
  const tell = (message: string): void => {
    // Only its first words: an exporter may quote what a collector answered.
    const words = message.slice(0, 120);
    const nowMs = performance.now();
    if (nowMs - (saidAtMs.get(words) ?? Number.NEGATIVE_INFINITY) < sameTroubleEveryMs) return;
    if (saidAtMs.size > 100) saidAtMs.clear();
    saidAtMs.set(words, nowMs);
    onTrouble('observability', words);
  };
  const nothing = (): void => {};
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
