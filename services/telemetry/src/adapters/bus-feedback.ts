import type { Bus, Incoming, Outbox, Serving } from '@will/bus';
import { create, queues, subjects, wire } from '@will/contracts';
import type { CallLog } from '@will/store';
import { QuestionError } from '../service.ts';
import { answeringBy, readAs } from './answering.ts';

/** Attempts of one task that are examined at for the one that answered. */
const maxAttempts = 50;

export interface FeedbackDeps {
  readonly log: Pick<CallLog, 'calls'>;
  readonly outbox: Pick<Outbox, 'add'>;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Takes feedback of outputs, and tells them to the one that makes statistics. */
export function serveFeedback(bus: Bus, { log, outbox, nowMs, onError }: FeedbackDeps): Serving {
  const take = async (message: Incoming): Promise<wire.FeedbackResponse> => {
    const { client, taskId, score } = readAs(wire.FeedbackRequestSchema, message);
    if (!(score >= 1 && score <= 10)) throw new QuestionError(`score ${score} must be between 1 and 10`);
    const filter = { taskId, ...(client !== '' && { client }) };
    const answered = (await log.calls(filter, maxAttempts)).find(({ outcome }) => outcome === 'Success');
    if (!answered?.model)
      throw new QuestionError(`no model is known to have answered task ${JSON.stringify(taskId.slice(0, 80))}`);
    const feedback = create(wire.FeedbackSchema, {
      taskId,
      model: answered.model,
      modelVersion: answered.modelVersion ?? '',
      taskType: answered.taskType,
      score: score / 10,
      atUnixMs: BigInt(Math.round(nowMs())),
    });
    outbox.add(create(wire.EventSchema, { kind: { case: 'feedback', value: feedback } }));
    return create(wire.FeedbackResponseSchema, { model: answered.model });
  };
  return bus.serve(
    subjects.telemetry('feedback'),
    queues.telemetry,
    answeringBy(onError)(wire.FeedbackResponseSchema, take, (error) => create(wire.FeedbackResponseSchema, { error })),
  );
}
