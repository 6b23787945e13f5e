import { failureOf, type DataClass, type ProviderFailure } from '@will/core';
import { abortedBy, type ProviderOutcome } from '@will/providers';
import type { Refusal } from './authorize.ts';

/** The failure where the rules do not let this model see the data. Another model may well be allowed to. */
export const forbidden = ({ rule, detail, isRetryable }: Refusal, dataClass: DataClass): ProviderFailure => ({
  ...failureOf('bad_request'),
  status: 'Policy',
  message: `${rule}: ${detail} (the data counts as ${dataClass})`.slice(0, 300),
  isRetryable,
});

/** The failure of an input with which no other model could do more. */
export const unusable = (detail: string, signal: AbortSignal): ProviderFailure =>
  signal.aborted
    ? failureOf(abortedBy(signal))
    : { ...failureOf('bad_request'), message: `the input cannot be used: ${detail}`, isRetryable: false };

/** The outcome of a call for which no provider was asked. */
export const failedBefore = (failure: ProviderFailure): ProviderOutcome => ({ ok: false, usage: undefined, failure });

/** The failure of a silence that says nothing of the model: another caller may give it more time. */
export const hurried: ProviderFailure = {
  ...failureOf('first_token_timeout'),
  status: 'Deadline',
  message: 'no content within its share of the time that the caller gives',
};

/** Nothing was sent to the provider, and nothing is its fault: the router sends the call again. */
export const tooLate: ProviderFailure = {
  ...failureOf('deadline'),
  status: 'Busy',
  message: 'it was not started: its time to start had passed before it was ready',
  isRetryable: true,
};

/** The failure of a provider that threw. */
export const providerBug: ProviderFailure = {
  ...failureOf('crashed'),
  message: 'the provider failed in a way that it should not',
};
