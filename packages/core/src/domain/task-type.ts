import type { TaskTypeDocument } from './documents.ts';
import { type Modalities, modalitiesOfTag } from './modalities.ts';

/** The kind of input that a task type's document describes: JSON of its `fields`. */
export const fieldsKind = 'fields';

/** Modalities that usually go in and come out of a task type: by its document, else by its name. */
export function defaultModalities(taskType: string, document: TaskTypeDocument | undefined): Modalities {
  return document?.modalities ?? modalitiesOfTag(taskType);
}

/** Capabilities that the type asks for; an answer of a shape asks for models that can be held to one. */
export const needsOfType = (document: TaskTypeDocument | undefined): readonly string[] =>
  document ? [...(document.needs ?? []), ...(document.answer ? ['json_schema'] : [])] : [];

const placeholder = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Names between braces in a prompt. */
export const placeholdersIn = (prompt: string): readonly string[] => [
  ...new Set([...prompt.matchAll(placeholder)].map(([, name]) => name as string)),
];

/**
 * A task's fields as the chat that a model is asked. Fields stand in the user's message only: what a caller sends never
 * becomes an instruction of the system's.
 */
export function chatOfFields(document: TaskTypeDocument, fields: Readonly<Record<string, unknown>>): object {
  const { slug, instructions, prompt, answer } = document;
  const content = prompt === undefined ? JSON.stringify(fields) : filled(prompt, fields);
  return {
    messages: [
      ...(instructions === undefined ? [] : [{ role: 'system', content: instructions }]),
      { role: 'user', content },
    ],
    ...(answer && {
      response_format: { type: 'json_schema', json_schema: { name: slug, strict: true, schema: answer } },
    }),
  };
}

/** In one go, so that braces within a field stay what they are. A field that is not there leaves nothing. */
const filled = (prompt: string, fields: Readonly<Record<string, unknown>>): string =>
  prompt.replaceAll(placeholder, (_all, name: string) => (Object.hasOwn(fields, name) ? inWords(fields[name]) : ''));

const inWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
