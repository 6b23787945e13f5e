import type { DataClass, Facts, Model } from '@will/core';
import { factsFromWire } from '@will/contracts';
import { wiringOf } from '../model/wiring.ts';
import type { IncomingCall, WorkerSnapshots } from '../ports.ts';
import type { Authorizer, Refusal } from './authorize.ts';

/** Ports of the authorization. */
export interface CallAuthorizerDeps {
  readonly snapshots: WorkerSnapshots;
  readonly authorize: Authorizer;
  readonly nowMs: () => number;
}

/** Authorizes calls of one model by the newest snapshot, never by the record that its connection was made of. */
export class CallAuthorizer {
  readonly #deps: CallAuthorizerDeps;
  readonly #served: () => Model;
  /** What of the record the connection was made of. */
  readonly #wiring: string;

  /** @param served the record that the worker serves the model by now. */
  constructor(deps: CallAuthorizerDeps, served: () => Model) {
    this.#deps = deps;
    this.#served = served;
    this.#wiring = wiringOf(served());
  }

  /** The connection goes to the address that the newest record states. */
  get isWiredAsAuthorized(): boolean {
    const authorized = this.#newest;
    return authorized === this.#served() || (authorized !== undefined && wiringOf(authorized) === this.#wiring);
  }

  /** Why the call must not be made; undefined: it may. */
  refusal({ request, dataClass }: IncomingCall, facts: Facts | undefined): Refusal | undefined {
    const { snapshots, authorize, nowMs } = this.#deps;
    const snapshot = snapshots.current;
    const model = this.#newest;
    if (!snapshot || !model || !facts)
      return { rule: 'unknown_model', detail: 'not in this worker’s snapshot', isRetryable: true };
    const { revision, expiresUnixMs } = request;
    const call = { facts, dataClass, revision: Number(revision), expiresUnixMs: Number(expiresUnixMs) };
    return authorize(call, model, snapshot, snapshots.ageMs(), nowMs());
  }

  /** The rules once more, as of now, for data that counts as `dataClass`. */
  refusalAgain(call: IncomingCall, dataClass: DataClass): Refusal | undefined {
    const { request } = call;
    const stated = request.facts && factsFromWire(request.facts);
    // What hooks raised counts as stated; what documents gave is theirs to give anew.
    const facts = stated && dataClass !== call.dataClass ? { ...stated, dataClass } : stated;
    if (!this.isWiredAsAuthorized)
      return { rule: 'old_connection', detail: 'its connection is being renewed', isRetryable: true };
    return this.refusal({ ...call, dataClass }, facts);
  }
  get #newest(): Model | undefined {
    return this.#deps.snapshots.current?.models.get(this.#served().slug);
  }
}
