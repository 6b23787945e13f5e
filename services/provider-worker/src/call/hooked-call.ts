import { type DataClass, failureOf, type ProviderFailure, strictestOf } from '@will/core';
import type { CallHook, HookedCall } from '@will/extension';
import { afterVerdict, beforeVerdict } from './hook-verdict.ts';
import type { ProviderOutcome } from '@will/providers';

/** A call as hooks left it before its provider was asked. */
export type Prepared =
  | { readonly ok: true; readonly input: Uint8Array; readonly dataClass: DataClass }
  | { readonly ok: false; readonly failure: ProviderFailure };

/** Asks every hook before the call, each on what the one before it left. */
export async function askBefore(hooks: readonly CallHook[], call: HookedCall): Promise<Prepared> {
  let { input, dataClass } = call;
  for (const hook of hooks) {
    if (!hook.before) continue;
    const verdict = beforeVerdict(hook, await hook.before({ ...call, input, dataClass }));
    if (!verdict) continue;
    if ('refuse' in verdict) return { ok: false, failure: refusal(hook, verdict.refuse) };
    input = verdict.input ?? input;
    if (verdict.dataClass) dataClass = strictestOf(dataClass, verdict.dataClass);
  }
  return { ok: true, input, dataClass };
}

/** Asks every hook about a whole answer, each on what the one before it left. */
export async function askAfter(
  hooks: readonly CallHook[],
  call: HookedCall,
  outcome: ProviderOutcome,
): Promise<ProviderOutcome> {
  if (!outcome.ok) return outcome;
  let output = outcome.output ?? {};
  for (const hook of hooks) {
    if (!hook.after) continue;
    const { text = '', refusal = '', reasoning = '', toolCalls = '' } = output;
    // A guard looks at everything that the model says, also at words by which it refuses.
    const verdict = afterVerdict(hook, await hook.after(call, { text: text + refusal, reasoning, toolCalls }));
    if (!verdict) continue;
    if ('refuse' in verdict) return { ok: false, usage: outcome.usage, failure: withheld(hook, verdict.refuse) };
    const { refusal: _replaced, ...rest } = output;
    output = { ...rest, text: verdict.text };
  }
  return { ...outcome, output };
}

const maxReason = 200;

const refusal = ({ name }: CallHook, why: string): ProviderFailure => ({
  ...failureOf('bad_request'),
  status: 'Policy',
  message: `hook ${name} refused: ${why}`.slice(0, maxReason),
  isRetryable: false,
});

const withheld = ({ name }: CallHook, why: string): ProviderFailure => ({
  ...failureOf('content_filter'),
  message: `hook ${name} withheld the answer: ${why}`.slice(0, maxReason),
});

/** The failure where a hook itself failed: nothing is let through by a guard that is broken. */
export const brokenHook: ProviderFailure = {
  ...failureOf('bad_request'),
  status: 'Policy',
  message: 'a hook failed; the worker’s log says which',
  isRetryable: false,
};
