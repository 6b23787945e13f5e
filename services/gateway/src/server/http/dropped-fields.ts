import { isAttributeKey, plainName, saysNothing, wishIn } from '@will/core';
import { invalid } from './errors.ts';
import { isHistory } from './history-fields.ts';
import type { UnknownField } from './unknown-fields.ts';

/**
 * Names of the fields that are dropped with a notice. What a history carries is dropped without one.
 * @throws {HttpError} 400: a field states a wish that cannot be honoured, or holds content that would be lost
 */
export function droppedFields(unknown: readonly UnknownField[]): readonly string[] {
  const names = new Set<string>();
  for (const field of unknown) {
    const name = field.path.at(-1) as string;
    mustHoldNoAttribute(field);
    if (isHistory(field)) continue;
    const refusal = wishIn(name);
    if (!refusal) {
      if (holdsContent(field))
        throw invalid(`${field.param}: is not known here, and dropping it would lose content`, field.param);
      names.add(field.path.join('.'));
    } else if (!refusal.harmless(field.value)) throw invalid(`${field.param}: ${refusal.instead}`, field.param);
  }
  return [...names];
}

/** A wish about who asks, or about data, must not go unheard in what is dropped, however deep it stands. @throws {HttpError} 400 */
function mustHoldNoAttribute({ param, value }: UnknownField): void {
  const found = attributeWithin(param, value);
  if (found === undefined) return;
  const instead = 'attributes are headers x-will-*, or will_* within metadata';
  throw invalid(`${found}: is no attribute that is known here; ${instead}`, found);
}

/** Where a name like an attribute's stands below a field; undefined: nowhere. */
function attributeWithin(at: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const path = `${at}.${name}`;
    if (isAttributeKey(name)) return path;
    const found = attributeWithin(path, inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

const contentNames =
  /^(contents?|messages?|parts?|text|inputs?|prompts?|system(_(prompt|instructions?|message))?|instructions?|preamble|chat_history|history|examples|images?|audios?|videos?|media|context|blob|source|prefix|suffix|function_call|tool_calls)$/;

/** Content under a name of its own belongs to the question: an answer without it would be a wrong one. */
const holdsContent = ({ path, value }: UnknownField): boolean =>
  contentNames.test(plainName(path.at(-1) as string)) &&
  (typeof value === 'string' || typeof value === 'object') &&
  !saysNothing(value);

const shownName = /^[A-Za-z0-9_.-]{1,64}$/;
const maxShown = 10;

/** Names as the header `x-will-ignored` may tell them. */
export const shownNames = (names: readonly string[]): readonly string[] =>
  [...new Set(names)].filter((name) => shownName.test(name)).slice(0, maxShown);
