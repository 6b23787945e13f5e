import { create } from '@will/contracts';
import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Bus, BusError } from '@will/bus';

/**
 * A question of an operator was not answered. `unreachable`: nobody serves it; `timeout`: no answer came
 * in time, so what was asked may have been done; `refused`: the service said why not.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: 'unreachable' | 'timeout' | 'failed' | 'refused';
  constructor(code: OperatorError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const codes: Readonly<Partial<Record<BusError['code'], OperatorError['code']>>> = {
  disconnected: 'unreachable',
  timeout: 'timeout',
};

const defaultTimeoutMs = 5_000;

/** Asks a service one question. `timeoutMs`: default 5,000. @throws {OperatorError} 'unreachable', 'timeout', 'failed' */
export async function ask<Question extends DescMessage, Answer extends DescMessage>(
  bus: Bus,
  subject: string,
  [questionSchema, question]: readonly [Question, MessageInitShape<Question>],
  answerSchema: Answer,
  timeoutMs = defaultTimeoutMs,
): Promise<MessageShape<Answer>> {
  try {
    const bytes = toBinary(questionSchema, create(questionSchema, question));
    return fromBinary(answerSchema, await bus.request(subject, bytes, timeoutMs));
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    const service = subject.split('.')[2] ?? subject;
    if (cause.code === 'no_responders')
      throw new OperatorError('unreachable', `the bus answers, but no ${service} runs on it; run \`npm start\``, {
        cause,
      });
    throw new OperatorError(codes[cause.code] ?? 'failed', cause.message, { cause });
  }
}

/** The answer of a service that says in it why it refused. @throws {OperatorError} 'refused' */
export function accepted<Answer extends { readonly error: string }>(answer: Answer): Answer {
  if (answer.error !== '') throw new OperatorError('refused', answer.error);
  return answer;
}
