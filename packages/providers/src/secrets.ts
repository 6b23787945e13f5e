import { resolveReference, type Secret, SecretError } from '@will/runtime';
import { ProviderConfigError } from './port.ts';

/**
 * The secret behind a reference: `env://NAME` or `file:///path`. Read anew at each opening of a model, in workers only.
 * @throws {ProviderConfigError} names the reference, never the value.
 */
export function resolveSecret(...[reference, env]: Parameters<typeof resolveReference>): Secret {
  try {
    return resolveReference(reference, env);
  } catch (error) {
    throw error instanceof SecretError ? new ProviderConfigError(error.message) : error;
  }
}
