import { modalities, placeholdersIn, type JsonSchema, type TaskTypeDocument } from '@will/core';
import { z } from 'zod';
import { choices, prose, record, slug, tags } from './fields.ts';
import { jsonCheck } from './json-check.ts';
import { quote } from './problem.ts';
import { optionalSlug, slugFor, timeouts } from './rule-schemas.ts';

const allowed = 'a JSON Schema of an object (type: object), at most 32 KB';
const maxSchemaChars = 32 * 1024;

const jsonSchema = () =>
  z
    .unknown()
    .transform((value, context): JsonSchema => {
      const why = whyNoSchema(value);
      if (why === undefined) return value as JsonSchema;
      context.addIssue({ code: 'custom', message: `${quote(value)} must be ${allowed}${why}` });
      return z.NEVER;
    })
    .meta({ allowed });

function whyNoSchema(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || (value as { type?: unknown }).type !== 'object') return '';
  if (JSON.stringify(value).length > maxSchemaChars) return '';
  const check = jsonCheck(value as JsonSchema);
  return typeof check === 'string' ? `: ${check}` : undefined;
}

/** Fields of a task type. */
export const taskTypeShape = {
  name: slug().describe('The task type: `translation`. Models bear it as a tag.'),
  slug: optionalSlug(),
  modalities: record({
    input: choices(1, ...modalities).describe('What goes in.'),
    output: choices(1, ...modalities).describe('What comes out.'),
  })
    .describe('What goes in and comes out where a task does not say it. Default: by the name, see below.')
    .exactOptional(),
  needs: tags(1)
    .describe('Capabilities that a model must have for it: `tools`. A task type with `answer` needs `json_schema`.')
    .exactOptional(),
  fields: jsonSchema()
    .describe('What the input must be when a task sends its fields (`input_kind: fields`).')
    .exactOptional(),
  answer: jsonSchema().describe('What the answer must be; the model is held to it.').exactOptional(),
  instructions: prose(20_000).describe('System prompt of a task with fields.').exactOptional(),
  prompt: prose(20_000)
    .describe(
      "The user's message of a task with fields; `{text}` stands for the field text. Default: the fields as JSON.",
    )
    .exactOptional(),
  timeouts: timeouts(),
};

/** Reads a task type as an operator writes it. */
export const taskTypeSchema = record(taskTypeShape).transform((type, context): TaskTypeDocument => {
  const { fields, prompt } = type;
  const known = Object.keys((fields?.['properties'] as object | undefined) ?? {});
  const unknown = prompt === undefined ? undefined : placeholdersIn(prompt).find((name) => !known.includes(name));
  if (unknown !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['prompt'],
      message: `{${unknown}} must be one of the properties of fields: ${known.join(', ') || 'none is described'}`,
    });
  return { ...type, slug: slugFor(type, context) };
});
