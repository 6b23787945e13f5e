import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { ask, OperatorError } from './ask.ts';

/** A question for calls, newest first; what is absent is not asked for. */
export type CallQuestion = Omit<
  MessageInitShape<typeof wire.QueryCallsRequestSchema>,
  '$typeName' | 'behindStartedUnixMs' | 'behindAttemptId' | 'limit'
>;

const answerMs = 30_000;

/** The page of calls behind one; `last` undefined: the newest. Smaller where they are too large for one message. @throws {OperatorError} */
export async function pageOfCalls(
  bus: Bus,
  question: CallQuestion,
  last: Pick<wire.CallRecord, 'startedUnixMs' | 'attemptId'> | undefined,
  atMost: number,
): Promise<readonly wire.CallRecord[]> {
  const behind = { behindStartedUnixMs: last?.startedUnixMs ?? 0n, behindAttemptId: last?.attemptId ?? '' };
  for (let limit = atMost; ; limit = Math.ceil(limit / 4)) {
    const answer = await ask(
      bus,
      subjects.telemetry('calls'),
      [wire.QueryCallsRequestSchema, { ...question, ...behind, limit }],
      wire.QueryCallsResponseSchema,
      answerMs,
    );
    if (answer.error === '') return answer.calls;
    if (limit === 1 || !answer.error.includes('ask for fewer')) throw new OperatorError('refused', answer.error);
  }
}
