import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  costNanoUsd,
  isCostEstimated,
  outcomeOf,
  priceAt,
  reserveOf,
  type CallStatus,
  type ProviderFailure,
  type Usage,
} from '@will/core';
import { create, dataClassToWire, recordPriceToWire, wire } from '@will/contracts';
import { outputBound } from './authorize.ts';
import type { CallDeps } from './call-deps.ts';
import type { CallInput } from './call-input.ts';
import type { CallerAnswer } from './caller-answer.ts';

/** Reports a call: its reserve before, its summary and its record after. */
export class CallReport {
  readonly #deps: CallDeps;
  readonly #request: wire.CallRequest;
  readonly #input: CallInput;
  readonly #answer: CallerAnswer;
  readonly #startedAtMs: number;
  /** The same instant by this machine's own clock: durations do not go by that of the bus, which is set right meanwhile. */
  readonly #beganMs = performance.now();

  constructor(deps: CallDeps, request: wire.CallRequest, input: CallInput, answer: CallerAnswer) {
    this.#deps = deps;
    this.#request = request;
    this.#input = input;
    this.#answer = answer;
    this.#startedAtMs = deps.nowMs();
  }

  /** What it is charged at when nobody sees its end. */
  reserve(): MessageInitShape<typeof wire.CallAcceptedSchema> {
    const { model } = this.#deps;
    const { inputTokens, facts, inputKind } = this.#request;
    const maxOutputTokens = this.#deps.maxOutputTokens ?? outputBound(model, inputTokens);
    if (maxOutputTokens === undefined || inputKind !== 'chat') return {};
    const cost = reserveOf(inputTokens, maxOutputTokens, priceAt(model, this.#startedAtMs), facts).nano_usd;
    return {
      reserve: { inputTokens, outputTokens: maxOutputTokens, estimated: true },
      ...(cost !== undefined && { reserveCostNanoUsd: cost }),
    };
  }

  summary(status: CallStatus, reason: string, failure?: ProviderFailure): wire.AttemptSummary {
    const { attempt, attemptId } = this.#request;
    return create(wire.AttemptSummarySchema, {
      number: attempt,
      attemptId,
      model: this.#deps.model.slug,
      outcome: outcomeOf(status),
      status,
      reason,
      durationMs: Math.round(performance.now() - this.#beganMs),
      style: this.#input.style,
      // Rules have their own words.
      cause: status === 'Policy' ? '' : (failure?.reason ?? ''),
      httpStatus: failure?.httpStatus ?? 0,
      vendorCode: failure?.vendorCode ?? '',
      param: failure?.param ?? '',
    });
  }

  record(summary: wire.AttemptSummary, usage: Usage | undefined, finish = '', servedVersion = ''): wire.CallRecord {
    const { attemptId, taskId, decisionId, attempt, revision, facts, stream, costTags } = this.#request;
    const { model, workerId } = this.#deps;
    const { durationMs, outcome, status, reason, httpStatus, vendorCode } = summary;
    // What it began at is what it costs, also when another hour's price came meanwhile.
    const price = priceAt(model, this.#startedAtMs);
    const cost = usage && costNanoUsd(usage, price);
    const firstContentMs = this.#firstContentMs(summary);
    const { priceInput, priceOutput, price: wholePrice } = recordPriceToWire(price);
    const record: wire.CallRecord = {
      $typeName: 'will.v1.CallRecord',
      attemptId,
      taskId,
      decisionId,
      attempt,
      revision,
      client: facts?.client ?? '',
      project: facts?.project ?? '',
      reflex: facts?.reflex ?? '',
      taskType: facts?.taskType ?? '',
      priority: facts?.priority ?? wire.Priority.NORMAL,
      dataClass: dataClassToWire(this.#input.dataClass),
      model: model.slug,
      modelName: model.name,
      modelVersion: model.version ?? '',
      provider: model.provider,
      workerId,
      startedUnixMs: BigInt(Math.round(this.#startedAtMs)),
      durationMs,
      outcome,
      status,
      reason,
      httpStatus,
      vendorCode,
      finish,
      outputChars: this.#answer.outputChars,
      isCostEstimated: isCostEstimated(usage, price),
      streamed: stream,
      writtenBy: 'worker',
      costTags,
      servedVersion,
    };
    if (firstContentMs !== undefined) record.firstContentMs = firstContentMs;
    if (usage) record.usage = usageToWire(usage);
    if (cost !== undefined) record.costNanoUsd = cost;
    if (priceInput !== undefined) record.priceInput = priceInput;
    if (priceOutput !== undefined) record.priceOutput = priceOutput;
    if (wholePrice) record.price = wholePrice;
    return record;
  }

  /** An answer in one piece has its first content with its end. */
  #firstContentMs({ status, durationMs }: wire.AttemptSummary): number | undefined {
    const { firstContentAtMs } = this.#answer;
    if (firstContentAtMs === undefined) return status === 'Success' ? durationMs : undefined;
    return Math.round(firstContentAtMs - this.#beganMs);
  }
}

const usageToWire = (usage: Usage): wire.Usage => create(wire.UsageSchema, usage);
