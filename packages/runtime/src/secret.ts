import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

/** A value that does not print: logs, JSON and inspection all show `[secret]`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The value itself; call it only where it goes on the wire. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}

/** A reference that cannot be followed. Its message names the reference, never the value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/**
 * The secret behind a reference: `env://NAME` or `file:///path`. It is read anew at each call.
 * @throws {SecretError} nothing stands there.
 */
export function resolveReference(
  reference: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Secret {
  const value = read(reference, env)?.trim();
  if (!value) throw new SecretError(`the key ${reference} is not set`);
  return new Secret(value);
}

function read(reference: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (reference.startsWith('env://')) return env[reference.slice('env://'.length)];
  if (!reference.startsWith('file://')) throw new SecretError('a key must be a reference: env://NAME or file:///path');
  try {
    return readFileSync(fileURLToPath(reference), 'utf8');
  } catch {
    throw new SecretError(`the key ${reference} cannot be read`);
  }
}
