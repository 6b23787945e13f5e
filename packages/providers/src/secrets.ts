import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Secret } from '@will/runtime';
import { ProviderConfigError } from './port.ts';

/**
 * The secret behind a reference: `env://NAME` or `file:///path`. Read anew at each opening of a model, in workers only.
 * @throws {ProviderConfigError} names the reference, never the value.
 */
export function resolveSecret(
  reference: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Secret {
  const value = read(reference, env)?.trim();
  if (!value) throw new ProviderConfigError(`the key ${reference} is not set`);
  return new Secret(value);
}

function read(reference: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (reference.startsWith('env://')) return env[reference.slice('env://'.length)];
  if (!reference.startsWith('file://'))
    throw new ProviderConfigError('a key must be a reference: env://NAME or file:///path');
  try {
    return readFileSync(fileURLToPath(reference), 'utf8');
  } catch {
    throw new ProviderConfigError(`the key ${reference} cannot be read`);
  }
}
