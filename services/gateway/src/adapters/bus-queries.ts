import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Bus, BusError } from '@will/bus';
import { durableOverBus, TaskError } from '@will/client';
import { create, subjects, wire } from '@will/contracts';
import type { Queries } from '../ports.ts';

const answerWithinMs = 5_000;

/** Queries over the bus, each to the one that serves its subject. */
export function busQueries(bus: Bus): Queries {
  return {
    explain: ask(bus, subjects.policyExplain, wire.DecideRequestSchema, wire.DecideResponseSchema),
    documents: ask(bus, subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema),
    registryStatus: () =>
      ask(bus, subjects.registry('status'), wire.StatusRequestSchema, wire.StatusResponseSchema)({}),
    durable: durableOverBus(bus),
    calls: ask(bus, subjects.telemetry('calls'), wire.QueryCallsRequestSchema, wire.QueryCallsResponseSchema),
    usage: ask(bus, subjects.telemetry('usage'), wire.QueryUsageRequestSchema, wire.QueryUsageResponseSchema),
    feedback: ask(bus, subjects.telemetry('feedback'), wire.FeedbackRequestSchema, wire.FeedbackResponseSchema),
    decision: ask(bus, subjects.telemetry('decision'), wire.GetDecisionRequestSchema, wire.GetDecisionResponseSchema),
  };
}

const ask =
  <Q extends DescMessage, A extends DescMessage>(bus: Bus, subject: string, question: Q, answer: A) =>
  async (request: MessageInitShape<Q>): Promise<MessageShape<A>> => {
    try {
      const bytes = toBinary(question, create(question, request));
      return fromBinary(answer, await bus.request(subject, bytes, answerWithinMs));
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      const why = cause.code === 'no_responders' ? `no ${subject.split('.')[2] ?? subject} is running` : cause.message;
      throw new TaskError('unavailable', why, { taskId: '', isRetryable: true, cause });
    }
  };
