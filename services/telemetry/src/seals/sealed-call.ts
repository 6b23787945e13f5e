import type { CallRecord, ModelDocument, Snapshot } from '@will/core';
import type { DecisionBasis } from '@will/store';

/** The place where a model runs and what proves it, as its document says; `revision` is that of the documents. */
export interface ModelPlace {
  readonly revision: number;
  readonly callMethod: ModelDocument['call_method'];
  readonly residency: ModelDocument['data_residency'];
  readonly compliance: ModelDocument['compliance'];
}

/** By slug of the model. */
export const placesIn = (snapshot: Snapshot | undefined): ReadonlyMap<string, ModelPlace> =>
  new Map(
    snapshot?.documents.flatMap((document) =>
      document.kind === 'model' ? [[document.body.slug, placeOf(document.body, snapshot.revision)] as const] : [],
    ),
  );

const placeOf = ({ call_method, data_residency, compliance }: ModelDocument, revision: number): ModelPlace => ({
  revision,
  callMethod: call_method,
  residency: data_residency,
  compliance,
});

/**
 * A record as a seal holds it: who, what, when, which model by which rule, and where. What a call cost is left out, since
 * charging it anew must not break a seal.
 */
export const sealedCall = (
  record: CallRecord,
  basis: DecisionBasis | undefined,
  place: ModelPlace | undefined,
): string =>
  JSON.stringify({
    attemptId: record.attemptId,
    taskId: record.taskId,
    attempt: record.attempt,
    client: record.client,
    project: record.project,
    taskType: record.taskType,
    dataClass: record.dataClass,
    startedAtMs: record.startedAtMs,
    durationMs: record.durationMs,
    outcome: record.outcome,
    status: record.status,
    writtenBy: record.writtenBy,
    model: record.model,
    modelVersion: record.modelVersion,
    provider: record.provider,
    workerId: record.workerId,
    decisionId: record.decisionId,
    revision: record.revision,
    setId: basis?.setId,
    rule: basis?.candidates.find(({ model }) => model === record.model)?.why,
    place,
  });
