import { dataClasses } from '@will/core';
import type { AfterVerdict, BeforeVerdict, CallHook } from '@will/extension';

type Check = (value: unknown) => boolean;
type Form = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === 'string';
const refused: Form = { refuse: isText };
const changed: Form = {
  input: (value) => value === undefined || value instanceof Uint8Array,
  dataClass: (value) => value === undefined || dataClasses.some((known) => known === value),
};
const replaced: Form = { text: isText };

/**
 * Reads what a hook said before a call. Extensions may be plain JavaScript, so that types promise nothing.
 * @throws it is of no known form: a guard that cannot be understood lets nothing through
 */
export const beforeVerdict = (hook: CallHook, said: unknown): BeforeVerdict =>
  verdictOf(hook, said, [refused, changed], 'nothing, { refuse }, or { input, dataClass }') as BeforeVerdict;

/** Reads what a hook said after a call. @throws it is of no known form */
export const afterVerdict = (hook: CallHook, said: unknown): AfterVerdict =>
  verdictOf(hook, said, [refused, replaced], 'nothing, { refuse }, or { text }') as AfterVerdict;

function verdictOf({ name }: CallHook, said: unknown, forms: readonly Form[], allowed: string): unknown {
  if (said === undefined || said === null) return undefined;
  if (typeof said === 'object' && forms.some((form) => hasForm(said, form))) return said;
  throw new Error(`what hook ${name} answers must be ${allowed}; dataClass is one of ${dataClasses.join(', ')}`);
}

function hasForm(said: object, form: Form): boolean {
  const entries = Object.entries(said);
  if (Array.isArray(said) || (entries.length === 0 && form !== changed)) return false;
  return entries.every(([key, value]) => form[key]?.(value) === true);
}
