import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { AuditWords, Bus, Incoming, Serving } from '@will/bus';
import {
  create,
  decisionToWire,
  factsToWire,
  priceFromWire,
  priceHoursFromWire,
  queues,
  rankedSetToWire,
  sizes,
  subjects,
  type TelemetryOperation,
  wire,
} from '@will/contracts';
import type { RecentFacts, RepriceQuery } from '@will/store';
import { QuestionError, type CallsQuestion, type Telemetry, type UsageAsked } from '../service.ts';
import { answeringBy, readAs } from './answering.ts';
import { contentToWire } from './content-wire.ts';
import { recordToWire } from './records-to-wire.ts';
import { usageToWire } from './usage-to-wire.ts';

/** Words for the audit log, with the author that a request states; '': nobody stated one. */
export type AuthoredWords = Omit<AuditWords, 'actor'> & { readonly author: string };

/**
 * Answers queries over the bus; a question that cannot be answered gets an error that says why. `noted` is told of what
 * was changed, and of what was said in a call being shown.
 */
export function serveQueries(
  bus: Bus,
  telemetry: Telemetry,
  onError: (what: string, error: unknown) => void,
  noted: (words: AuthoredWords) => void,
): Serving {
  const calls = async (message: Incoming): Promise<wire.QueryCallsResponse> => {
    const records = await telemetry.calls(questionFromWire(readAs(wire.QueryCallsRequestSchema, message)));
    return create(wire.QueryCallsResponseSchema, { calls: records.map(recordToWire) });
  };
  const decision = async (message: Incoming): Promise<wire.GetDecisionResponse> => {
    const { decisionId, taskId } = readAs(wire.GetDecisionRequestSchema, message);
    const found = await telemetry.decision({ ...stated('decisionId', decisionId), ...stated('taskId', taskId) });
    const response = create(wire.GetDecisionResponseSchema, { decision: decisionToWire(found.decision) });
    if (found.set) response.set = rankedSetToWire(found.set);
    return response;
  };
  const recent = async (message: Incoming): Promise<wire.RecentFactsResponse> => {
    const { sinceUnixMs } = readAs(wire.RecentFactsRequestSchema, message);
    const found = await telemetry.recentFacts(instant('sinceMs', sinceUnixMs).sinceMs);
    return asManyAsFit(found.recent, found.isPartial);
  };
  const usage = async (message: Incoming): Promise<wire.QueryUsageResponse> =>
    usageToWire(await telemetry.usage(usageFromWire(readAs(wire.QueryUsageRequestSchema, message))));
  const reprice = async (message: Incoming): Promise<wire.RepriceResponse> => {
    const request = readAs(wire.RepriceRequestSchema, message);
    const done = await telemetry.reprice(repriceFromWire(request));
    const { author, model: object } = request;
    noted({ author, action: 'calls.repriced', object, detail: `${done.changed} of ${done.examined} calls` });
    return create(wire.RepriceResponseSchema, repriced(done));
  };
  const content = async (message: Incoming): Promise<wire.GetContentResponse> => {
    const { attemptId, author } = readAs(wire.GetContentRequestSchema, message);
    const kept = await telemetry.content(attemptId, Date.now());
    noted({ author, action: 'content.shown', object: attemptId, detail: `of ${kept.client}` });
    return create(wire.GetContentResponseSchema, { content: contentToWire(kept) });
  };
  const erase = async (message: Incoming): Promise<wire.EraseClientResponse> => {
    const { client, author } = readAs(wire.EraseClientRequestSchema, message);
    const { calls, batches } = await telemetry.erase(client);
    noted({ author, action: 'calls.erased', object: client, detail: `${calls} calls, ${batches} batches of events` });
    return create(wire.EraseClientResponseSchema, { calls: BigInt(calls), eventBatches: BigInt(batches) });
  };
  const answering = answeringBy(onError);
  const serve = <Schema extends DescMessage>(
    what: TelemetryOperation,
    schema: Schema,
    answer: (message: Incoming) => Promise<MessageShape<Schema>>,
    refusal: (error: string) => MessageShape<Schema>,
  ): Serving => bus.serve(subjects.telemetry(what), queues.telemetry, answering(schema, answer, refusal));
  const servings = [
    serve('calls', wire.QueryCallsResponseSchema, calls, (error) => create(wire.QueryCallsResponseSchema, { error })),
    serve('decision', wire.GetDecisionResponseSchema, decision, (error) =>
      create(wire.GetDecisionResponseSchema, { error }),
    ),
    serve('recent', wire.RecentFactsResponseSchema, recent, (error) =>
      create(wire.RecentFactsResponseSchema, { error }),
    ),
    serve('usage', wire.QueryUsageResponseSchema, usage, (error) => create(wire.QueryUsageResponseSchema, { error })),
    serve('reprice', wire.RepriceResponseSchema, reprice, (error) => create(wire.RepriceResponseSchema, { error })),
    serve('content', wire.GetContentResponseSchema, content, (error) =>
      create(wire.GetContentResponseSchema, { error }),
    ),
    serve('erase', wire.EraseClientResponseSchema, erase, (error) => create(wire.EraseClientResponseSchema, { error })),
  ];
  return {
    async stop() {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

function asManyAsFit(recent: readonly RecentFacts[], isPartial: boolean): wire.RecentFactsResponse {
  const answer = create(wire.RecentFactsResponseSchema, { isPartial });
  let bytes = 1_024;
  for (const { facts, decisions } of recent) {
    const one = create(wire.RecentFactsSchema, { facts: factsToWire(facts), decisions });
    bytes += toBinary(wire.RecentFactsSchema, one).length + 8;
    if (bytes > sizes.messageBytes) {
      answer.isPartial = true;
      break;
    }
    answer.recent.push(one);
  }
  return answer;
}

function questionFromWire(request: wire.QueryCallsRequest): CallsQuestion {
  return {
    limit: request.limit,
    ...stated('client', request.client),
    ...stated('project', request.project),
    ...stated('model', request.model),
    ...stated('taskType', request.taskType),
    ...stated('outcome', request.outcome),
    ...stated('reflex', request.reflex),
    ...stated('taskId', request.taskId),
    ...stated('decisionId', request.decisionId),
    ...instant('fromMs', request.fromUnixMs),
    ...instant('toMs', request.toUnixMs),
    ...(request.behindAttemptId !== '' && {
      behind: {
        startedAtMs: instant('behind', request.behindStartedUnixMs).behind ?? 0,
        attemptId: request.behindAttemptId,
      },
    }),
  };
}

const usageFromWire = (request: wire.QueryUsageRequest): UsageAsked => ({
  by: request.by,
  fromMs: instant('fromMs', request.fromUnixMs).fromMs ?? 0,
  toMs: instant('toMs', request.toUnixMs).toMs ?? Date.now(),
  ...stated('client', request.client),
  ...stated('model', request.model),
  ...stated('taskType', request.taskType),
  ...stated('outcome', request.outcome),
  ...stated('costTagKey', request.costTag),
});

function repriceFromWire({ model, fromUnixMs, toUnixMs, price, hours }: wire.RepriceRequest): RepriceQuery {
  return {
    model,
    fromMs: instant('fromMs', fromUnixMs).fromMs ?? 0,
    toMs: instant('toMs', toUnixMs).toMs ?? Date.now(),
    prices: {
      price: price && priceFromWire(price, amountOf),
      priceHours: hours.map((hour) => priceHoursFromWire(hour, amountOf)),
    },
  };
}

function amountOf(amount: bigint): number {
  if (amount < 0n || amount > BigInt(Number.MAX_SAFE_INTEGER))
    throw new QuestionError(`price ${amount} must be between 0 and ${Number.MAX_SAFE_INTEGER}`);
  return Number(amount);
}

const repriced = ({ examined, changed, addedNanoUsd }: Awaited<ReturnType<Telemetry['reprice']>>) => ({
  examined: BigInt(examined),
  changed: BigInt(changed),
  addedNanoUsd,
});

/** On the wire an empty text means: not asked for. */
const stated = <Key extends string>(key: Key, value: string): { readonly [K in Key]?: string } =>
  (value === '' ? {} : { [key]: value }) as { readonly [K in Key]?: string };

function instant<Key extends string>(key: Key, value: bigint): { readonly [K in Key]?: number } {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new QuestionError(`${key} ${value} must be between 0 and ${Number.MAX_SAFE_INTEGER}`);
  return (value === 0n ? {} : { [key]: Number(value) }) as { readonly [K in Key]?: number };
}
