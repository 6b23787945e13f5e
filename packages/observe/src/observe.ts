import { type Attributes, createNoopMeter, type Meter } from '@opentelemetry/api';
import type { Logger } from '@will/runtime';
import type { MetricsServer } from './metrics-server.ts';
import { type Measure, measures } from './measures.ts';
import { parseObserveSettings } from './settings.ts';

/** As far as it is looked at here. */
interface BusState {
  readonly isConnected: boolean;
}
interface SnapshotState {
  readonly current: { readonly revision: number } | undefined;
  ageMs(): number;
}

interface ClockState {
  boundMs(): number | undefined;
}
interface OutboxState {
  readonly waiting: number;
  readonly dropped: number;
}
interface LoopState {
  takeMaxDelayMs(): number;
}

/** Measures and health of this process, as operators see them. */
export interface Observing {
  /** Where metrics and health are asked, `http://127.0.0.1:9464`; '' where nowhere. */
  readonly url: string;
  /** Somebody may ask for figures, or is sent them. */
  readonly isMeasuring: boolean;
  /** Spans are sent to somebody. */
  readonly isTracing: boolean;
  /** Release of the conventions that name metrics of calls. */
  readonly genAiMetrics: '0.1.0' | '1.45.0';
  /** Adds to a counter. */
  count(measure: Measure, amount: number, labels?: Attributes): void;
  /** Takes one value into a histogram. */
  time(measure: Measure, value: number, labels?: Attributes): void;
  /** Has a gauge or sum read whenever somebody looks: values with their labels. */
  watch(measure: Measure, read: () => Iterable<readonly [value: number, labels?: Attributes]>): void;
  /**
   * Measures which documents this process works with and whether it is on the bus; from now on `/readyz` answers by that
   * too. For every process that follows a snapshot.
   */
  watchDocuments(bus: BusState, snapshots: SnapshotState): void;
  /** Measures what waits to be sent, and what was dropped. */
  watchOutbox(outbox: OutboxState): void;
  /** Measures how well this process knows the bus clock, and how its event loop runs. */
  watchClock(clock: ClockState, loop: LoopState): void;
  /** From now on `/readyz` answers with this: undefined when the process can work, else why not. Before: "starting". */
  ready(reason: () => string | undefined): void;
  /** Sends what is not sent yet, and closes. */
  stop(): Promise<void>;
}

/**
 * Sets OpenTelemetry up for this process, once, before anything is measured or traced. What is not asked for by the
 * environment is neither loaded nor paid for.
 * @throws {SettingsError}, or when the port is taken.
 */
export async function observe(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
  logger: Pick<Logger, 'warn'>,
): Promise<Observing> {
  const settings = parseObserveSettings(env);
  const isMeasuring = settings.port !== undefined || settings.sendsMetrics;
  if (!isMeasuring && !settings.sendsTraces)
    return new Instruments(createNoopMeter(), settings, isMeasuring, undefined, async () => {});
  const { startSdk } = await import('./sdk.ts');
  const sdk = startSdk(service, settings, (what, message) => logger.warn({ message }, what));
  let server: MetricsServer | undefined;
  if (settings.port !== undefined && sdk.scrape) {
    const { startMetricsServer } = await import('./metrics-server.ts');
    server = await startMetricsServer(settings.host, settings.port, settings, sdk.scrape);
  }
  return new Instruments(sdk.meter, settings, isMeasuring, server, async () => {
    await server?.stop();
    await sdk.stop();
  });
}

class Instruments implements Observing {
  readonly isMeasuring: boolean;
  readonly isTracing: boolean;
  readonly genAiMetrics: Observing['genAiMetrics'];
  readonly #meter: Meter;
  readonly #server: MetricsServer | undefined;
  readonly #close: () => Promise<void>;
  readonly #counters = new Map<Measure, ReturnType<Meter['createCounter']>>();
  readonly #histograms = new Map<Measure, ReturnType<Meter['createHistogram']>>();

  constructor(
    meter: Meter,
    { sendsTraces, genAiMetrics }: Pick<ReturnType<typeof parseObserveSettings>, 'sendsTraces' | 'genAiMetrics'>,
    isMeasuring: boolean,
    server: MetricsServer | undefined,
    close: () => Promise<void>,
  ) {
    this.#meter = meter;
    this.isMeasuring = isMeasuring;
    this.isTracing = sendsTraces;
    this.genAiMetrics = genAiMetrics;
    this.#server = server;
    this.#close = close;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  count(measure: Measure, amount: number, labels?: Attributes): void {
    let counter = this.#counters.get(measure);
    if (!counter) {
      counter = this.#meter.createCounter(measure.name, measure);
      this.#counters.set(measure, counter);
    }
    counter.add(amount, labels);
  }

  time(measure: Measure, value: number, labels?: Attributes): void {
    let histogram = this.#histograms.get(measure);
    if (!histogram) {
      const advice = { explicitBucketBoundaries: [...(measure.bounds ?? [])] };
      histogram = this.#meter.createHistogram(measure.name, { ...measure, advice });
      this.#histograms.set(measure, histogram);
    }
    histogram.record(value, labels);
  }

  watch(measure: Measure, read: () => Iterable<readonly [value: number, labels?: Attributes]>): void {
    const { name, kind } = measure;
    const instrument =
      kind === 'sum'
        ? this.#meter.createObservableCounter(name, measure)
        : this.#meter.createObservableGauge(name, measure);
    instrument.addCallback((result) => {
      for (const [value, labels] of read()) result.observe(value, labels);
    });
  }

  watchDocuments(bus: BusState, snapshots: SnapshotState): void {
    this.watch(measures.busConnected, () => [[bus.isConnected ? 1 : 0]]);
    this.watch(measures.revision, () => [[snapshots.current?.revision ?? 0]]);
    this.watch(measures.snapshotAge, () => {
      const ageMs = snapshots.ageMs();
      return Number.isFinite(ageMs) ? [[Math.max(0, ageMs) / 1_000]] : [];
    });
    // What is published has been read by now; where nothing is, a first installation must come up without it.
    this.ready(() => (bus.isConnected ? undefined : 'NATS is not connected'));
  }

  watchOutbox(outbox: OutboxState): void {
    this.watch(measures.recordsWaiting, () => [[outbox.waiting]]);
    this.watch(measures.recordsDropped, () => [[outbox.dropped]]);
  }

  watchClock(clock: ClockState, loop: LoopState): void {
    this.watch(measures.clockBound, () => {
      const boundMs = clock.boundMs();
      return boundMs === undefined ? [] : [[boundMs / 1_000]];
    });
    this.watch(measures.loopDelay, () => [[loop.takeMaxDelayMs() / 1_000]]);
  }

  ready(reason: () => string | undefined): void {
    this.#server?.ready(reason);
  }

  stop(): Promise<void> {
    return this.#close();
  }
}
