import type { PricesDocument } from '@will/core';
import { anthropicForm } from '../chat/anthropic-form.ts';
import type { Form } from '../chat/form.ts';
import { googleForm } from '../chat/google-form.ts';
import { openAiForm } from '../chat/openai-form.ts';
import { responsesForm } from '../chat/responses-form.ts';

/** A vendor, as it tells the usage of an answer. */
export interface BilledVendor {
  readonly form: () => Form;
  body(usage: object): object;
}
export const anthropic: BilledVendor = {
  form: anthropicForm,
  body: (usage) => ({
    type: 'message',
    content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn',
    usage,
  }),
};
export const chat: BilledVendor = {
  form: openAiForm,
  body: (usage) => ({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }], usage }),
};
export const responses: BilledVendor = {
  form: responsesForm,
  body: (usage) => ({ output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }], usage }),
};
export const google: BilledVendor = {
  form: googleForm,
  body: (usageMetadata) => ({
    candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
    usageMetadata,
  }),
};

/**
 * Usage that a vendor told, what its price list says (US dollars per million tokens, November 2026 or in its manner), and
 * the bill in nano-dollars, worked out apart from this program with fractions.
 */
export type CacheBill = readonly [what: string, BilledVendor, PricesDocument, usage: object, nanoUsd: bigint];
