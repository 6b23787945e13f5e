import type { DocumentKind, DocumentOf } from '@will/core';
import { z } from 'zod';
import { record } from './fields.ts';
import { modelSchema, modelShape } from './model-schema.ts';
import {
  clientSchema,
  clientShape,
  projectSchema,
  projectShape,
  reflexSchema,
  reflexShape,
  routeSchema,
  routeShape,
  scheduleSchema,
  scheduleShape,
  settingsSchema,
  settingsShape,
} from './rule-schemas.ts';
import { taskTypeSchema, taskTypeShape } from './task-type-schema.ts';

/** Reads a document of each kind into its normal form. */
export const documentSchemas: {
  readonly [K in DocumentKind]: z.ZodType<DocumentOf[K]>;
} = {
  model: modelSchema,
  route: routeSchema,
  task_type: taskTypeSchema,
  client: clientSchema,
  project: projectSchema,
  reflex: reflexSchema,
  schedule: scheduleSchema,
  settings: settingsSchema,
};

const shapes: { readonly [K in DocumentKind]: z.core.$ZodLooseShape } = {
  model: modelShape,
  route: routeShape,
  task_type: taskTypeShape,
  client: clientShape,
  project: projectShape,
  reflex: reflexShape,
  schedule: scheduleShape,
  settings: settingsShape,
};

/** A field as the reference describes it. */
export interface FieldReference {
  /** `limits.daily.usd`; `[]` marks the items of a list. */
  readonly field: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly isRequired: boolean;
}

/** Every field of a kind of document, as the schema has it: what the reference is written from. */
export function fieldsOf(kind: DocumentKind): readonly FieldReference[] {
  return walk(
    z.toJSONSchema(record(shapes[kind]), {
      io: 'input',
      unrepresentable: 'any',
    }) as JsonSchema,
    '',
  );
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly allowed?: string;
}

function walk(schema: JsonSchema, prefix: string): readonly FieldReference[] {
  if (schema.items) return walk(schema.items, `${prefix.slice(0, -1)}[].`);
  if (schema.anyOf) return schema.anyOf.flatMap((option) => walk(option, prefix));
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    {
      field: `${prefix}${name}`,
      meaning: property.description ?? '',
      allowed: property.allowed ?? (property.items ? 'a list' : 'a map'),
      isRequired: schema.required?.includes(name) ?? false,
    },
    ...walk(property, `${prefix}${name}.`),
  ]);
}
