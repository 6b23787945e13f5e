import { APICallError, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { classifyHttp, classifyTold, classifyTransport, failureOf, type ProviderFailure } from '@will/core';

/** Figures of a call at the moment it failed. */
export interface FailedCall {
  readonly error: unknown;
  /** The network's code, where the connection failed. */
  readonly failedCode: string | undefined;
  /** What the vendor answered with. */
  readonly status: number | undefined;
  /** Content had come before. */
  readonly hasContent: boolean;
  readonly nowMs: number;
}

/** One failure for whatever the packages throw; what it says never comes from their text. */
export function failureFrom({ error, failedCode, status: answered, hasContent, nowMs }: FailedCall): ProviderFailure {
  if (failedCode === 'ETOOLARGE') return failureOf('bad_response', { detail: 'answer too large' });
  if (failedCode !== undefined)
    return hasContent && !failedCode.includes('TIMEOUT') ? failureOf('truncated') : classifyTransport(failedCode);
  if (UnsupportedFunctionalityError.isInstance(error))
    return failureOf('bad_request', { detail: 'this vendor cannot be asked for something in it' });
  if (!APICallError.isInstance(error) || error.statusCode === undefined) return failureOf('bad_response');
  const { statusCode, responseHeaders = {}, responseBody: body = '' } = error;
  const status = answered ?? statusCode;
  if (status === 200) return classifyTold(body, 'bad_response');
  return classifyHttp({ status, headers: responseHeaders, body, nowMs });
}
