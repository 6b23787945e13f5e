import { nanoPerUsd } from '@will/core';
import { recordCacheSavings, type wire } from '@will/contracts';
import { type Attributes, genAi, measures, type Observing, openSpan } from '@will/observe';
import type { Worker } from '../service.ts';
import type { CallsObserver } from '../call/observer.ts';

/** The conventions' words for what is asked of a model, by the kind of input. */
const operations: Readonly<Record<string, string>> = { chat: 'chat', embeddings: 'embeddings' };

/** Ours by the conventions' names of vendors; all others go by their own. */
const vendors: Readonly<Record<string, string>> = { google: 'gcp.gemini' };

/** Calls of models as spans and figures, by the GenAI conventions; never what was said. */
export const observedCalls =
  (observing: Pick<Observing, 'count' | 'time'>): CallsObserver =>
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
    return {
      run: (work) => span.run(work),
      ended(record) {
        measure(observing, record, labels);
        span.set(endOf(record));
        span.end(record.outcome === 'Success' ? undefined : record.status);
      },
    };
  };

function measure(observing: Pick<Observing, 'count' | 'time'>, record: wire.CallRecord, labels: Attributes): void {
  const { model, outcome, status, usage, costNanoUsd } = record;
  observing.count(measures.calls, 1, { model, outcome, status });
  observing.time(
    measures.callDuration,
    record.durationMs / 1_000,
    outcome === 'Success' ? labels : { ...labels, 'error.type': status },
  );
  if (record.firstContentMs !== undefined) observing.time(measures.firstChunk, record.firstContentMs / 1_000, labels);
  if (usage) {
    observing.time(measures.tokenUsage, usage.inputTokens, { ...labels, [genAi.tokenType]: 'input' });
    observing.time(measures.tokenUsage, usage.outputTokens, { ...labels, [genAi.tokenType]: 'output' });
    if (usage.cachedInputTokens > 0) observing.count(measures.cachedTokens, usage.cachedInputTokens, { model });
    const { cacheWriteTokens, cacheWrite1hTokens } = usage;
    const short = cacheWriteTokens - cacheWrite1hTokens;
    if (short > 0) observing.count(measures.cacheWriteTokens, short, { model, lifetime: 'short' });
    if (cacheWrite1hTokens > 0)
      observing.count(measures.cacheWriteTokens, cacheWrite1hTokens, { model, lifetime: 'long' });
  }
  const savedUsd = Number(recordCacheSavings(record) ?? 0n) / nanoPerUsd;
  if (savedUsd !== 0)
    observing.count(savedUsd > 0 ? measures.cacheSaved : measures.cacheOverhead, Math.abs(savedUsd), { model });
  if (costNanoUsd === undefined) observing.count(measures.unknownCosts, 1, { model });
  else observing.count(measures.cost, Number(costNanoUsd) / nanoPerUsd, { model });
}

function endOf(record: wire.CallRecord): Attributes {
  const { model, finish, usage, firstContentMs, costNanoUsd, status } = record;
  const saved = recordCacheSavings(record);
  return {
    [genAi.responseModel]: model,
    'will.outcome': status,
    ...(finish !== '' && { [genAi.responseFinishReasons]: [finish] }),
    ...(usage && {
      [genAi.usageInputTokens]: usage.inputTokens,
      [genAi.usageOutputTokens]: usage.outputTokens,
      [genAi.usageCacheReadInputTokens]: usage.cachedInputTokens,
      [genAi.usageCacheCreationInputTokens]: usage.cacheWriteTokens,
      [genAi.usageReasoningOutputTokens]: usage.reasoningTokens,
    }),
    ...(firstContentMs !== undefined && { [genAi.responseTimeToFirstChunk]: firstContentMs / 1_000 }),
    ...(costNanoUsd !== undefined && { 'will.cost.nano_usd': Number(costNanoUsd) }),
    ...(saved !== undefined && saved !== 0n && { 'will.cache.saved_nano_usd': Number(saved) }),
  };
}

/** What a worker's models take, and their cooldowns, at each scrape. */
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
