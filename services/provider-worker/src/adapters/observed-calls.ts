import { nanoPerUsd } from '@will/core';
import { recordCacheSavings, type wire } from '@will/contracts';
import {
  type Attributes,
  genAi,
  type Measure,
  measures,
  type Observing,
  openSpan,
  previousGenAi,
  previousMeasures,
} from '@will/observe';
import type { Worker } from '../service.ts';
import { noopObserver, type CallsObserver } from '../call/observer.ts';

/** The conventions' words for what is asked of a model, by the kind of input. */
const operations: Readonly<Record<string, string>> = { chat: 'chat', embedding: 'embeddings' };

/** Ours by the conventions' names of vendors; all others go by their own. */
const vendors: Readonly<Record<string, string>> = { google: 'gcp.gemini' };

type Measuring = Pick<Observing, 'count' | 'time' | 'isMeasuring' | 'genAiMetrics'>;

/** Calls of models as spans and figures, by the GenAI conventions; never what was said. */
export const observedCalls = (observing: Measuring & Pick<Observing, 'isTracing'>): CallsObserver =>
  observing.isMeasuring || observing.isTracing ? toldTo(observing) : noopObserver;

const toldTo =
  (observing: Measuring): CallsObserver =>
  (model, request) => {
    const operation = operations[request.inputKind] ?? 'generate_content';
    const provider = vendors[model.provider] ?? model.provider;
    const labels: Attributes = {
      [genAi.operationName]: operation,
      [genAi.providerName]: provider,
      [genAi.requestModel]: model.slug,
    };
    const span = openSpan(`${operation} ${model.slug}`, 'client', {
      ...labels,
      [genAi.requestStream]: request.stream,
      ...(request.maxOutputTokens > 0 && { [genAi.requestMaxTokens]: request.maxOutputTokens }),
      'will.attempt.id': request.attemptId,
      'will.task.id': request.taskId,
    });
    const measure = observing.genAiMetrics === '0.1.0' ? measureCall : measureAsBefore;
    return {
      run: (work) => span.run(work),
      chunk: betweenChunks((seconds) => observing.time(measures.timePerOutputChunk, seconds, labels), observing),
      ended(record) {
        measureEnd(observing, record);
        measureCache(observing, record);
        measure(observing, record, labels);
        span.set(endOf(record));
        span.end(record.outcome === 'Success' ? undefined : record.status);
      },
    };
  };

/** Tells the time from each piece of an answer to the next. */
function betweenChunks(tell: (seconds: number) => void, { isMeasuring, genAiMetrics }: Measuring): () => void {
  if (!isMeasuring || genAiMetrics !== '0.1.0') return () => {};
  let lastMs: number | undefined;
  return () => {
    const nowMs = performance.now();
    if (lastMs !== undefined) tell((nowMs - lastMs) / 1_000);
    lastMs = nowMs;
  };
}

function measureEnd(observing: Measuring, { model, outcome, status, costNanoUsd }: wire.CallRecord): void {
  observing.count(measures.calls, 1, { model, outcome, status });
  if (costNanoUsd === undefined) observing.count(measures.unknownCosts, 1, { model });
  else observing.count(measures.cost, Number(costNanoUsd) / nanoPerUsd, { model });
}

/** What prompt caches of vendors held and saved. */
function measureCache(observing: Measuring, record: wire.CallRecord): void {
  const { model, usage } = record;
  const { cachedInputTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = usage ?? {};
  if (cachedInputTokens > 0) observing.count(measures.cachedTokens, cachedInputTokens, { model });
  const short = cacheWriteTokens - cacheWrite1hTokens;
  if (short > 0) observing.count(measures.cacheWriteTokens, short, { model, lifetime: 'short' });
  if (cacheWrite1hTokens > 0)
    observing.count(measures.cacheWriteTokens, cacheWrite1hTokens, { model, lifetime: 'long' });
  const savedUsd = Number(recordCacheSavings(record) ?? 0n) / nanoPerUsd;
  if (savedUsd !== 0)
    observing.count(savedUsd > 0 ? measures.cacheSaved : measures.cacheOverhead, Math.abs(savedUsd), { model });
}

const withError = (labels: Attributes, { outcome, status }: wire.CallRecord): Attributes =>
  outcome === 'Success' ? labels : { ...labels, 'error.type': status };

function measureCall(observing: Measuring, record: wire.CallRecord, labels: Attributes): void {
  const seconds = record.durationMs / 1_000;
  const { inputTokens = 0, outputTokens = 0 } = record.usage ?? {};
  const ended = withError(labels, record);
  if (labels[genAi.operationName] === operations['embedding']) {
    observing.time(measures.embeddingsDuration, seconds, ended);
    observing.time(measures.embeddingsInputTokens, inputTokens, ended);
    return;
  }
  observing.time(measures.inferenceDuration, seconds, ended);
  if (record.firstContentMs !== undefined)
    observing.time(measures.timeToFirstChunk, record.firstContentMs / 1_000, labels);
  observing.time(measures.operationInputTokens, inputTokens, ended);
  observing.time(measures.operationOutputTokens, outputTokens, ended);
  for (const [measure, tokens, modality] of tokensOf(record.usage))
    observing.count(measure, tokens, { ...labels, [genAi.tokenModality]: modality });
}

type Tokens = readonly [measure: Measure, tokens: number, modality: string];

/** Tokens by modality. Where the provider counts some of them apart, the rest are text; else nobody knows. */
function tokensOf(usage: wire.Usage | undefined): readonly Tokens[] {
  if (usage === undefined)
    return [
      [measures.inputTokens, 0, 'unknown'],
      [measures.outputTokens, 0, 'unknown'],
    ];
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  const subsets: readonly Tokens[] = [
    [measures.cacheReadInputTokens, cachedInputTokens, 'unknown'],
    [measures.cacheWriteInputTokens, cacheWriteTokens, 'unknown'],
    [measures.reasoningOutputTokens, reasoningTokens, 'unknown'],
  ];
  return [
    ...byModality(measures.inputTokens, inputTokens, usage.audioInputTokens, usage.imageInputTokens),
    ...byModality(measures.outputTokens, outputTokens, usage.audioOutputTokens, usage.imageOutputTokens),
    ...subsets.filter(([, tokens]) => tokens > 0),
  ];
}

function byModality(measure: Measure, all: number, audio: number, image: number): readonly Tokens[] {
  if (audio + image === 0) return [[measure, all, 'unknown']];
  const each: readonly Tokens[] = [
    [measure, audio, 'audio'],
    [measure, image, 'image'],
    [measure, Math.max(0, all - audio - image), 'text'],
  ];
  return each.filter(([, tokens]) => tokens > 0);
}

/** The names of the release before. */
function measureAsBefore(observing: Measuring, record: wire.CallRecord, labels: Attributes): void {
  const { callDuration, firstChunk, tokenUsage } = previousMeasures;
  const { firstContentMs, usage } = record;
  observing.time(callDuration, record.durationMs / 1_000, withError(labels, record));
  if (firstContentMs !== undefined) observing.time(firstChunk, firstContentMs / 1_000, labels);
  if (!usage) return;
  observing.time(tokenUsage, usage.inputTokens, { ...labels, [previousGenAi.tokenType]: 'input' });
  observing.time(tokenUsage, usage.outputTokens, { ...labels, [previousGenAi.tokenType]: 'output' });
}

function endOf(record: wire.CallRecord): Attributes {
  const { model, servedVersion, finish, usage, firstContentMs, costNanoUsd, status } = record;
  const saved = recordCacheSavings(record);
  return {
    [genAi.responseModel]: servedVersion || model,
    'will.outcome': status,
    ...(finish !== '' && { [genAi.responseFinishReasons]: [finish] }),
    ...(usage && {
      [genAi.usageInputTokens]: usage.inputTokens,
      [genAi.usageOutputTokens]: usage.outputTokens,
      [genAi.usageCacheReadInputTokens]: usage.cachedInputTokens,
      ...(usage.cacheWriteTokens > 0 && { [genAi.usageCacheWriteInputTokens]: usage.cacheWriteTokens }),
      [genAi.usageReasoningOutputTokens]: usage.reasoningTokens,
    }),
    ...(firstContentMs !== undefined && { [genAi.responseTimeToFirstChunk]: firstContentMs / 1_000 }),
    ...(costNanoUsd !== undefined && { 'will.cost.nano_usd': Number(costNanoUsd) }),
    ...(saved !== undefined && saved !== 0n && { 'will.cache.saved_nano_usd': Number(saved) }),
  };
}

/** Measures a worker's models, and their cooldowns, at each scrape. */
export function observeModels(observing: Pick<Observing, 'watch'>, worker: Pick<Worker, 'states'>): void {
  type State = ReturnType<Worker['states']>[number];
  const each = (value: (state: State) => number) =>
    function* () {
      for (const state of worker.states()) yield [value(state), { model: state.model }] as const;
    };
  observing.watch(
    measures.inFlight,
    each(({ inFlight }) => inFlight),
  );
  observing.watch(
    measures.slots,
    each(({ capacity }) => capacity),
  );
  observing.watch(
    measures.served,
    each(({ reason }) => (reason === '' ? 1 : 0)),
  );
  observing.watch(
    measures.cooling,
    each(({ coolingUntilUnixMs }) => Math.max(0, Number(coolingUntilUnixMs ?? 0n) - Date.now()) / 1_000),
  );
}
