import type { Model } from '@will/core';
import type { wire } from '@will/contracts';

/** Follows calls of models, for those who operate this. Never throws. */
export type Watch = (model: Model, request: wire.CallRequest) => CallWatch;

export interface CallWatch {
  /** Does the call's work as part of its trace. */
  run<T>(work: () => T): T;
  ended(record: wire.CallRecord): void;
}

/** Nobody looks. */
export const unwatched: Watch = () => ({ run: (work) => work(), ended: () => {} });
