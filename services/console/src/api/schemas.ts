import { z } from 'zod';
import { documentKinds, type DocumentKind } from '@will/core';

const name = z.string().min(1).max(200);

/** An instant: ISO time, or UTC milliseconds. */
export const instant = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isSafeInteger(ms)) return ms;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} must be an ISO time or UTC milliseconds` });
    return z.NEVER;
  });

export const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

/** The client and project whose calls are meant. */
export const scope = { client: name.optional(), project: name.optional() };

/** Filters of calls. */
export const callFilter = {
  ...scope,
  reflex: name.optional(),
  model: name.optional(),
  type: name.optional(),
  outcome: z.enum(['Success', 'Timeout', 'Blocked']).optional(),
  task: name.optional(),
  decision: name.optional(),
};

export const period = { from: instant.optional(), to: instant.optional() };

export const kind = z.enum(documentKinds as readonly [DocumentKind, ...DocumentKind[]]);
export { name };
