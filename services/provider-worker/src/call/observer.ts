import type { Model } from '@will/core';
import type { wire } from '@will/contracts';

/** Observes calls of models for traces and metrics. Never throws. */
export type Observer = (model: Model, request: wire.CallRequest) => CallObserver;

export interface CallObserver {
  /** Does the call's work as part of its trace. */
  run<T>(work: () => T): T;
  ended(record: wire.CallRecord): void;
}

/** No observer. */
export const noopObserver: Observer = () => ({ run: (work) => work(), ended: () => {} });
