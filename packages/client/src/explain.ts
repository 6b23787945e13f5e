import { create, dataClassToWire, priorityToWire, rankedSetFromWire, wire } from '@will/contracts';
import { checkQuestion } from './check-request.ts';
import { type Explanation, type Question, TaskError } from './api.ts';

/** A question as policy reads it. @throws {TaskError} 'invalid_task' */
export function questionOnWire(question: Question, client: string): wire.DecideRequest {
  checkQuestion(question);
  const priority = question.priority ?? (question.highPriority ? 'high' : undefined);
  const facts = create(wire.FactsSchema, {
    taskType: question.type,
    client: question.client ?? client,
    project: question.project ?? '',
    reflex: question.reflex ?? '',
    ...(priority !== undefined && { priority: priorityToWire(priority) }),
    dataClass: dataClassToWire(question.dataClass),
    model: question.model ?? '',
    unavailableModel: question.unavailableModel ?? '',
    inputModalities: [...(question.inputModalities ?? ['text'])],
    outputModalities: [...(question.outputModalities ?? ['text'])],
    needs: [...(question.needs ?? [])].sort(),
    inputTokens: question.inputTokens ?? 0,
    maxOutputTokens: question.maxOutputTokens ?? 0,
  });
  return create(wire.DecideRequestSchema, { facts, atUnixMs: BigInt(question.atUnixMs ?? 0) });
}

/** @throws {TaskError} what policy refused */
export function explanationOf(
  answer: Pick<wire.DecideResponse, 'set' | 'error' | 'retryable' | 'wouldChange'>,
): Explanation {
  const { set, error, retryable, wouldChange } = answer;
  if (set && error === '') return { set: rankedSetFromWire(set), wouldChange };
  throw new TaskError(retryable ? 'unavailable' : 'invalid_task', error === '' ? 'policy answered nothing' : error, {
    taskId: '',
    isRetryable: retryable,
  });
}
