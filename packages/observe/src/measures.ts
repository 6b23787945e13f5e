import { genAiMetrics, previousGenAi } from './conventions.ts';

/** One thing that is measured. Its Prometheus name has `_` for `.`, and `_total` behind counters and sums. */
export interface Measure {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge' | 'sum';
  /** UCUM, or what is counted in braces. */
  readonly unit: string;
  readonly description: string;
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

/** From 10 ms to 82 s, as the GenAI conventions advise. */
const secondsBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** Powers of four, as the GenAI conventions advise. */
const tokenBounds = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];
/** As the HTTP conventions advise. */
const requestBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Everything that the services measure. `counter` and `histogram` are written as things happen, `gauge` (goes up and
 * down) and `sum` (only up) are read when somebody looks. 'docs/operations/metrics.md' lists all of them; a test holds
 * it to that. Labels are slugs, names of outcomes and of services: never what a caller wrote.
 */
export const measures = {
  requests: {
    name: 'http.server.request.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Requests at the HTTP server, until the answer was sent whole',
    bounds: requestBounds,
  },
  ignoredFields: {
    name: 'will.request.ignored_fields',
    kind: 'counter',
    unit: '{field}',
    description: 'Fields of requests that the answers were made without, as x-will-ignored tells them',
  },
  tasks: { name: 'will.tasks', kind: 'counter', unit: '{task}', description: 'Interactive tasks that ended' },
  taskDuration: {
    name: 'will.task.duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of an interactive task to its end',
    bounds: secondsBounds,
  },
  taskFirstContent: {
    name: 'will.task.first_content_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of an interactive task to the first content of its answer',
    bounds: secondsBounds,
  },
  fallbacks: {
    name: 'will.fallbacks',
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that went to a model because an earlier one of the task was skipped or had failed',
  },
  demand: {
    name: 'will.model.demand',
    kind: 'gauge',
    unit: '{task}',
    description: 'Tasks that wait for a free slot, and those of the last 15 s that found no free worker',
  },
  tasksInFlight: { name: 'will.tasks.in_flight', kind: 'gauge', unit: '{task}', description: 'Tasks in flight' },
  decisionsAsked: {
    name: 'will.decisions.asked',
    kind: 'sum',
    unit: '{question}',
    description: 'Decisions that the router had to ask policy for; all others came from what it keeps',
  },
  calls: { name: 'will.calls', kind: 'counter', unit: '{call}', description: 'Calls of models that ended' },
  inferenceDuration: {
    name: genAiMetrics.inferenceDuration,
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of a call to its end',
    bounds: secondsBounds,
  },
  timeToFirstChunk: {
    name: genAiMetrics.timeToFirstChunk,
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of a call to its first content',
    bounds: secondsBounds,
  },
  timePerOutputChunk: {
    name: genAiMetrics.timePerOutputChunk,
    kind: 'histogram',
    unit: 's',
    description: 'From one piece of an answer to the next',
    bounds: secondsBounds,
  },
  inputTokens: {
    name: genAiMetrics.inputTokens,
    kind: 'counter',
    unit: '{token}',
    description: 'Tokens that went in, those of caches too',
  },
  outputTokens: {
    name: genAiMetrics.outputTokens,
    kind: 'counter',
    unit: '{token}',
    description: 'Tokens that came out, those of reasoning too',
  },
  cacheReadInputTokens: {
    name: genAiMetrics.cacheReadInputTokens,
    kind: 'counter',
    unit: '{token}',
    description: 'Tokens that went in and were read from a cache',
  },
  cacheWriteInputTokens: {
    name: genAiMetrics.cacheWriteInputTokens,
    kind: 'counter',
    unit: '{token}',
    description: 'Tokens that went in and were written to a cache',
  },
  reasoningOutputTokens: {
    name: genAiMetrics.reasoningOutputTokens,
    kind: 'counter',
    unit: '{token}',
    description: 'Tokens of reasoning that came out',
  },
  operationInputTokens: {
    name: genAiMetrics.operationInputTokens,
    kind: 'histogram',
    unit: '{token}',
    description: 'Tokens that went into a call',
    bounds: tokenBounds,
  },
  operationOutputTokens: {
    name: genAiMetrics.operationOutputTokens,
    kind: 'histogram',
    unit: '{token}',
    description: 'Tokens that came out of a call',
    bounds: tokenBounds,
  },
  embeddingsDuration: {
    name: genAiMetrics.embeddingsDuration,
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of a call for embeddings to its end',
    bounds: secondsBounds,
  },
  embeddingsInputTokens: {
    name: genAiMetrics.embeddingsInputTokens,
    kind: 'histogram',
    unit: '{token}',
    description: 'Tokens that went into a call for embeddings',
    bounds: tokenBounds,
  },
  cachedTokens: {
    name: 'will.cache.read_tokens',
    kind: 'counter',
    unit: '{token}',
    description: 'Input tokens that were read from prompt caches of vendors',
  },
  cacheWriteTokens: {
    name: 'will.cache.write_tokens',
    kind: 'counter',
    unit: '{token}',
    description: 'Input tokens that were written to prompt caches of vendors',
  },
  cacheSaved: {
    name: 'will.cache.saved_usd',
    kind: 'counter',
    unit: 'USD',
    description: 'What calls cost less than with plain input, by prompt caches of vendors',
  },
  cacheOverhead: {
    name: 'will.cache.overhead_usd',
    kind: 'counter',
    unit: 'USD',
    description: 'What calls cost more than with plain input, since they wrote more to prompt caches than they read',
  },
  cost: { name: 'will.cost.usd', kind: 'counter', unit: 'USD', description: 'What calls of known price came to' },
  unknownCosts: {
    name: 'will.cost.unknown_calls',
    kind: 'counter',
    unit: '{call}',
    description: 'Calls whose price or usage is not known',
  },
  inFlight: { name: 'will.model.in_flight', kind: 'gauge', unit: '{call}', description: 'Calls in flight' },
  slots: { name: 'will.model.slots', kind: 'gauge', unit: '{call}', description: 'Calls that may be in flight' },
  served: { name: 'will.model.served', kind: 'gauge', unit: '1', description: '1: this worker serves the model' },
  cooling: {
    name: 'will.model.cooling_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'Remaining cooldown of the model; 0: none',
  },
  retiresIn: {
    name: 'will.model.retires_in_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'Until the model retires; only in the 30 days before',
  },
  modelChanges: {
    name: 'will.model.changes',
    kind: 'counter',
    unit: '{change}',
    description: 'Silent changes of a model that were found: in its version, latency, length, refusals or quality',
  },
  limitUsed: {
    name: 'will.limit.used_ratio',
    kind: 'gauge',
    unit: '1',
    description: 'Share of a cap, rate or budget that is used in its present period',
  },
  limitLeft: {
    name: 'will.limit.left',
    kind: 'gauge',
    unit: '1',
    description: 'What is left of it: requests, tokens, or USD',
  },
  alerts: {
    name: 'will.alerts',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Attempts to tell a webhook that a budget reached a threshold: delivered, retried, dead',
  },
  queueWaiting: {
    name: 'will.queue.waiting',
    kind: 'gauge',
    unit: '{task}',
    description: 'Durable tasks that wait or run',
  },
  queueAge: {
    name: 'will.queue.age_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'How old the oldest of them is; tasks that are to start later do not count',
  },
  eventsPending: {
    name: 'will.events.pending',
    kind: 'gauge',
    unit: '{batch}',
    description: 'Batches of events in the stream that no telemetry has stored yet',
  },
  eventsMalformed: {
    name: 'will.events.malformed',
    kind: 'sum',
    unit: '{event}',
    description: 'Events that could not be read',
  },
  strays: {
    name: 'will.bus.strays',
    kind: 'counter',
    unit: '{message}',
    description:
      'Messages on subjects of tasks that were not taken: the subject ends in no slug, or the reply is no inbox of its client',
  },
  queueScheduled: {
    name: 'will.queue.scheduled',
    kind: 'gauge',
    unit: '{task}',
    description:
      'Durable tasks that wait for their time, for a worker or for a limit, and are not in the queue meanwhile',
  },
  recordsWaiting: {
    name: 'will.records.waiting',
    kind: 'gauge',
    unit: '{event}',
    description: 'Events of this process on their way to the stream',
  },
  recordsDropped: {
    name: 'will.records.dropped',
    kind: 'sum',
    unit: '{event}',
    description: 'Events that were given up because too many waited; not 0 is an alarm',
  },
  revision: {
    name: 'will.revision',
    kind: 'gauge',
    unit: '1',
    description: 'Revision of the documents that this process works with; of the registry: that it published',
  },
  clockBound: {
    name: 'will.clock.bound_seconds',
    kind: 'gauge',
    unit: 's',
    description:
      'How far the bus clock may be off as this process knows it; absent: not well enough to take or send calls',
  },
  loopDelay: {
    name: 'will.loop.delay_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'The longest delay of the event loop since somebody looked last',
  },
  snapshotAge: {
    name: 'will.snapshot.age_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'Since the registry last said that this process has the newest documents',
  },
  busConnected: { name: 'will.bus.connected', kind: 'gauge', unit: '1', description: '1: connected to the bus' },
} as const satisfies Readonly<Record<string, Measure>>;

const firstChunkBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Metrics of calls as the release before named them; shown in place of the others where a setting says so. */
export const previousMeasures = {
  callDuration: {
    name: previousGenAi.operationDuration,
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of a call to its end',
    bounds: secondsBounds,
  },
  firstChunk: {
    name: previousGenAi.timeToFirstChunk,
    kind: 'histogram',
    unit: 's',
    description: 'From the acceptance of a call to its first content',
    bounds: firstChunkBounds,
  },
  tokenUsage: {
    name: previousGenAi.tokenUsage,
    kind: 'histogram',
    unit: '{token}',
    description: 'Tokens of a call',
    bounds: tokenBounds.slice(0, 11),
  },
} as const satisfies Readonly<Record<string, Measure>>;
