import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, wire } from '@will/contracts';
import type { IncomingCall } from '../ports.ts';
import type { LimitReached } from '../quota/allowances.ts';
import type { Refusal } from './authorize.ts';

type Busy = Pick<MessageInitShape<typeof wire.CallBusySchema>, 'untilUnixMs' | 'isReserved' | 'isLimit' | 'isBudget'>;

/** Tells the router that the call cannot be made now; another worker may make it. */
export const busy = (call: IncomingCall, reason: string, more: Busy = {}): void =>
  call.toRouter({ case: 'busy', value: create(wire.CallBusySchema, { reason, ...more }) });

/** Tells the router that the model is not called before an instant. */
export const pausing = (call: IncomingCall, pause: { readonly reason: string; readonly untilMs: number }): void =>
  busy(call, pause.reason, { untilUnixMs: endOf(pause) });

/** Tells the router of a limit. One that no waiting would satisfy is a refusal of this model. */
export const reached = (call: IncomingCall, limit: LimitReached): void =>
  limit.untilMs === Infinity
    ? refuse(call, { rule: 'limit', detail: limit.reason, isRetryable: true })
    : busy(call, limit.reason, { untilUnixMs: endOf(limit), isLimit: true, isBudget: limit.isBudget ?? false });

/** Tells the router that the call must not be made. */
export const refuse = (call: IncomingCall, { rule, detail, isRetryable }: Refusal): void =>
  call.toRouter({ case: 'refused', value: create(wire.CallRefusedSchema, { rule, detail, retryable: isRetryable }) });

const endOf = ({ untilMs }: { readonly untilMs: number }): bigint => BigInt(Math.ceil(untilMs));
