/** The form of a slug: one token of a subject, safe as a file name and a key. */
export const slugPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

const maxSlugLength = 64;
/** Format characters and all else that shows nothing: zero-width marks, soft hyphens, variation selectors. */
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Most callers say a slug. */
const isItsOwnKey = /^[a-z0-9_-]+$/;

/**
 * The form in which names are compared: NFKC, without invisible characters, trimmed, runs of blanks as one, case
 * folded. Two names with one key are one name. Returns '' when nothing visible is left.
 */
export function nameKey(name: string): string {
  if (isItsOwnKey.test(name)) return name;
  const visible = name.replace(invisible, '').normalize('NFKC').replace(invisible, '');
  // To upper case first: ß, ſ and final sigma have a lower case of their own.
  return visible.toUpperCase().toLowerCase().normalize('NFKC').trim().replace(/\s+/g, ' ');
}

/**
 * The slug that a document gets when it is applied for the first time and states none: `GPT-3.5` → `gpt-3-5`,
 * `local:LLaMA` → `local-llama`, `AcmeLegal` → `acmelegal`. A name that ASCII cannot spell gets a hash of the whole
 * name as suffix, so that `Müller` and `Møller` differ. Returns '' when nothing usable is left. Never for what a caller
 * says: that is looked up (`resolveClient` and its neighbours).
 */
export function slugOf(name: string): string {
  const key = nameKey(name);
  const spelled = key.replace(/[^a-z0-9_-]+/g, '-').replace(/^[-_]+|-+$/g, '');
  if (isAscii.test(key)) return spelled.slice(0, maxSlugLength);
  const hash = hashOf(key);
  return [spelled.slice(0, maxSlugLength - hash.length - 1), hash].filter((part) => part !== '').join('-');
}

const isAscii = /^[\x20-\x7e]*$/;

/** FNV-1a over UTF-16 units, as eight hexadecimal digits. Two names with one hash are a problem that `apply` tells. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}
