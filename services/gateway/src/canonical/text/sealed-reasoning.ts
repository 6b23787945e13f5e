/** A tool call of an answer, or the first piece of one. */
interface Called {
  readonly extra_content?: { readonly google?: { readonly thought_signature?: string } };
}

/**
 * The reasoning that a model must see again beside a tool call, as a dialect's own field for opaque reasoning carries
 * it; undefined: nothing.
 */
export const sealedIn = (call: object): string | undefined =>
  (call as Called).extra_content?.google?.thought_signature ?? undefined;

/** The field of a tool call in OpenAI's form that carries it to the model. */
export const sealedWith = (sealed: string | undefined): Called =>
  sealed === undefined ? {} : { extra_content: { google: { thought_signature: sealed } } };

/** A vendor's own that did not come from here is left out: no model here could read it. */
export const isSealedHere = (value: unknown): value is string => typeof value === 'string' && value.startsWith('wr1.');
