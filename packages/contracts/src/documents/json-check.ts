import type { JsonSchema } from '@will/core';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** Says why a value does not fit, without the value; undefined: it fits. */
export type JsonCheck = (value: unknown) => string | undefined;

/** The check of a schema; words instead: why it is none. Draft 2020-12; formats are taken as notes. */
export function jsonCheck(schema: JsonSchema): JsonCheck | string {
  try {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    return (value) => {
      if (validate(value)) return undefined;
      const { instancePath = '', message = 'does not fit', params } = validate.errors?.[0] ?? {};
      const extra = (params as { additionalProperty?: unknown } | undefined)?.additionalProperty;
      const named = typeof extra === 'string' ? ` (${JSON.stringify(extra.slice(0, 80))})` : '';
      return `${instancePath === '' ? 'the input' : instancePath.slice(1).replaceAll('/', '.')} ${message}${named}`;
    };
  } catch (error) {
    return (error as Error).message;
  }
}
