/** What a slug looks like: one token of a subject, safe as a file name and a key. */
export const slugPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * The slug of a display name: `GPT-3.5` → `gpt-3-5`, `local:LLaMA` → `local-llama`, `AcmeLegal` → `acmelegal`.
 * Two names with one slug are the same document. Returns '' when nothing usable is left.
 */
export function slugOf(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .slice(0, 64);
}
