import type { Facts } from '../domain/facts.ts';
import { projectOf } from '../domain/identity.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';

/** A chat message in the OpenAI form; what is not named here is passed on as it is. */
export interface StyledMessage {
  readonly role: string;
  /** Text, or a list of parts such as `{ type: 'text', text }`. */
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** Changes to make to the messages of a call. */
export interface StyleOrder {
  /** Tone that the answer must have; undefined: the caller's own. */
  readonly tone: string | undefined;
  /**
   * Template of the system prompt, with `{system}` for what the caller wrote and `{tone}` for the tone; undefined: the
   * caller's words, then a sentence on the tone.
   */
  readonly template: string | undefined;
  /** False: the model takes no system prompt, so it goes into the first message of the user. */
  readonly hasSystemRole: boolean;
}

/**
 * The style for one call: the tone that the project, else the client, forces, in the form that this model takes.
 * Undefined when the messages may go as they are. A `prompt_format` without `{system}` and `{tone}` is a note for people.
 */
export function styleOrderOf(snapshot: Snapshot, facts: Facts, model: Model): StyleOrder | undefined {
  const { prompt_format = '', quirks = [] } = model.document.style ?? {};
  const tone = forcedTone(snapshot, facts);
  const isTemplate =
    tone === undefined
      ? prompt_format.includes('{system}') && !prompt_format.includes('{tone}')
      : placeholder.test(prompt_format);
  const hasSystemRole = !quirks.some((quirk) => noSystemRole.test(quirk));
  if (tone === undefined && !isTemplate && hasSystemRole) return undefined;
  return { tone, template: isTemplate ? prompt_format : undefined, hasSystemRole };
}

function forcedTone(snapshot: Snapshot, facts: Facts): string | undefined {
  return projectOf(snapshot, facts)?.force_tone ?? snapshot.clients.get(facts.client)?.force_tone;
}

const placeholder = /\{(?:system|tone)\}/;
const noSystemRole = /\bno[ _-]system[ _-](?:role|prompt|message)/i;
const isSystem = ({ role }: StyledMessage): boolean => role === 'system' || role === 'developer';

/** The messages as a model is to see them: one system prompt in its form, or none where it takes none. */
export function applyStyle(messages: readonly StyledMessage[], order: StyleOrder): readonly StyledMessage[] {
  const start = messages.findIndex((message) => !isSystem(message));
  const leading = start === -1 ? messages : messages.slice(0, start);
  const rest = start === -1 ? [] : messages.slice(start);
  const system = systemPrompt(joined(...leading.map(({ content }) => textOf(content))), order);
  if (!order.hasSystemRole) return foldIntoUser(system, rest);
  return system === '' ? rest : [{ ...leading[0], role: leading[0]?.role ?? 'system', content: system }, ...rest];
}

/** The tone comes last, so that nothing the caller wrote there takes it back. */
function systemPrompt(written: string, { tone, template }: StyleOrder): string {
  const sentence = tone === undefined ? '' : `Answer in a ${tone} tone.`;
  if (template === undefined) return joined(written, sentence);
  const values: Record<string, string> = { system: written, tone: tone ?? '' };
  // In one pass: what the caller wrote is not read for placeholders.
  const filled = template.replace(/\{(system|tone)\}/g, (_match, name: string) => values[name] ?? '').trim();
  const before = template.includes('{system}') ? '' : written;
  return joined(before, filled, template.includes('{tone}') ? '' : sentence);
}

function foldIntoUser(system: string, messages: readonly StyledMessage[]): readonly StyledMessage[] {
  const plain = messages.map((message) => (isSystem(message) ? { ...message, role: 'user' } : message));
  if (system === '') return plain;
  const at = plain.findIndex(({ role }) => role === 'user');
  const user = plain[at];
  if (!user) return [{ role: 'user', content: system }, ...plain];
  const content = Array.isArray(user.content)
    ? [{ type: 'text', text: system }, ...(user.content as unknown[])]
    : joined(system, textOf(user.content));
  return plain.with(at, { ...user, content });
}

/** The text of a message's content, whichever of its two forms it has. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = (content as { readonly text?: unknown }[]).map((part) => part?.text);
  return texts.filter((text) => typeof text === 'string').join('\n');
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n\n');
