import { jsonCheck, type JsonCheck } from '@will/contracts';
import { chatOfFields, type TaskTypeDocument } from '@will/core';

const encoder = new TextEncoder();
const checks = new WeakMap<TaskTypeDocument, JsonCheck | string>();

/** A task's fields as the chat that its type describes; words instead: what is wrong with them, never what stands in them. */
export function chatInput(input: Uint8Array, type: TaskTypeDocument | undefined): Uint8Array | string {
  if (!type?.fields) return 'no document describes the fields of this task type';
  const fields = parse(input);
  if (!fields) return 'the fields are no JSON object';
  const check = checkOf(type, type.fields);
  if (typeof check === 'string') return 'the task type describes its fields in a way that cannot be checked';
  const wrong = check(fields);
  return wrong === undefined ? encoder.encode(JSON.stringify(chatOfFields(type, fields))) : wrong;
}

/** Made once for each version of the document. */
function checkOf(type: TaskTypeDocument, schema: NonNullable<TaskTypeDocument['fields']>): JsonCheck | string {
  const known = checks.get(type);
  if (known !== undefined) return known;
  const made = jsonCheck(schema);
  checks.set(type, made);
  return made;
}

function parse(input: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(input).toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
