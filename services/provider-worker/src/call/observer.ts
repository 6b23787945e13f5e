import type { Model } from '@will/core';
import type { wire } from '@will/contracts';

/** Observes calls of models for traces and metrics. Never throws. */
export type CallsObserver = (model: Model, request: wire.CallRequest) => CallObserver;

export interface CallObserver {
  /** Does the call's work as part of its trace. */
  run<T>(work: () => T): T;
  /** A piece of the answer came. */
  chunk(): void;
  ended(record: wire.CallRecord): void;
}

const nobody: CallObserver = { run: (work) => work(), chunk: () => {}, ended: () => {} };

/** No observer. */
export const noopObserver: CallsObserver = () => nobody;
