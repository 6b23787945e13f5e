import { limitsOn, priceAt, reserveOf, type Limit, type Model } from '@will/core';
import type { wire } from '@will/contracts';
import type { IncomingCall, WorkerSnapshots } from '../ports.ts';
import type { Allowances } from '../quota/allowances.ts';
import { outputLimitWithin } from './authorize.ts';
import type { CallIndex } from './call-index.ts';
import { PendingCall } from './pending-call.ts';
import type { StartWindow } from './start-window.ts';

/** Ports of a reservation. */
export interface ReservationDeps {
  readonly snapshots: WorkerSnapshots;
  readonly allowances: Pick<Allowances, 'take'>;
  readonly calls: CallIndex;
  readonly nowMs: () => number;
}

type Taken = Awaited<ReturnType<Allowances['take']>>;

/**
 * The holdings of a call before it is authorized: its worst-case usage from every limit, or the limit that is reached.
 */
export interface Reservation {
  readonly taken: Taken;
  /** Undefined: no limit that we know of. */
  readonly maxOutputTokens: number | undefined;
  /** The router wants it no more. */
  readonly isTakenBack: boolean;
  /** Its time to start has not passed. */
  readonly mayStart: boolean;
}

const newerSnapshotWithinMs = 100;
const none = { requests: 0n, tokens: 0n, nano_usd: 0n };

/**
 * Reserves the call's worst-case usage, once the snapshot is as new as the decision. The router may take the call back
 * meanwhile, and is asked where it is in doubt whether the call is still wanted.
 */
export function reserve(
  deps: ReservationDeps,
  model: Model,
  call: IncomingCall,
  window: StartWindow,
): Reservation | Promise<Reservation> {
  const revision = Number(call.request.revision);
  if ((deps.snapshots.current?.revision ?? 0) < revision) {
    // A moment, for a snapshot that is at least as new as the decision.
    const newer = deps.snapshots.untilRevision(revision, newerSnapshotWithinMs);
    return waitedFor(
      deps,
      call,
      window,
      newer.then(() => takeWorstCase(deps, model, call.request)),
    );
  }
  const worst = takeWorstCase(deps, model, call.request);
  const { maxOutputTokens, taking } = worst;
  // Where nothing has to be waited for, nothing is: nobody can take it back meanwhile.
  if (!(taking instanceof Promise) && ('untilMs' in taking || window.state === 'open'))
    return { maxOutputTokens, taken: taking, isTakenBack: false, mayStart: true };
  return waitedFor(deps, call, window, worst);
}

async function waitedFor(
  { calls }: ReservationDeps,
  call: IncomingCall,
  window: StartWindow,
  worst: WorstCase | Promise<WorstCase>,
): Promise<Reservation> {
  const pending = new PendingCall(call, window);
  calls.add(pending);
  try {
    const { maxOutputTokens, taking } = await worst;
    const taken = await taking;
    const mayStart = window.state === 'open' || 'untilMs' in taken || (await window.opens());
    return { maxOutputTokens, taken, isTakenBack: pending.isTakenBack, mayStart };
  } finally {
    pending.close();
    calls.remove(pending);
  }
}

interface WorstCase {
  readonly maxOutputTokens: number | undefined;
  readonly taking: ReturnType<Allowances['take']>;
}

function takeWorstCase(
  { snapshots, allowances, nowMs }: ReservationDeps,
  served: Model,
  { facts, inputTokens, maxOutputTokens: wanted }: wire.CallRequest,
): WorstCase {
  const model = snapshots.current?.models.get(served.slug);
  const limits = limitsOf(snapshots, model, facts);
  const maxOutputTokens = outputLimitWithin(limits, served, wanted, inputTokens);
  if (limits.length === 0) return { maxOutputTokens, taking: allowances.take([], none) };
  const worst = reserveOf(inputTokens, maxOutputTokens ?? 0, priceAt(model ?? served, nowMs()), facts);
  return { maxOutputTokens, taking: allowances.take(limits, worst) };
}

function limitsOf(
  { current }: WorkerSnapshots,
  model: Model | undefined,
  facts: wire.CallRequest['facts'],
): readonly Limit[] {
  return current && model ? limitsOn(current, model, facts?.client ?? '', facts?.project || undefined) : [];
}
