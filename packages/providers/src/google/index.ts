import { createGoogle } from '@ai-sdk/google';
import { sdkProvider, type Vendor } from '../ai-sdk/index.ts';
import { googleForm } from '../chat/google-form.ts';
import { openEgress } from '../egress/index.ts';
import { detailsOf, listOf } from '../chat/unreadable.ts';

/** Gemini's embeddings. */
export const googleEmbeddings: NonNullable<Vendor['embeddings']> = {
  textsPerRequest: 100,
  model: ({ baseUrl, apiKey, model, fetch }) => createGoogle({ baseURL: baseUrl, apiKey, fetch }).embedding(model),
  // One text has an answer of its own form.
  vectorsIn: ({ embeddings, embedding }) => listOf(embeddings ?? [embedding]).map((one) => detailsOf(one)['values']),
};

/** Google's Gemini API, over a way out. */
export const googleOver = sdkProvider({
  name: 'google',
  languageModel: ({ baseUrl, apiKey, model, fetch }) => createGoogle({ baseURL: baseUrl, apiKey, fetch })(model),
  embeddings: googleEmbeddings,
  form: googleForm,
  healthCheckHeaders: (apiKey) => ({ 'x-goog-api-key': apiKey }),
  needsMaximum: false,
  knowsJsonWithoutSchema: true,
  keptParts: (items) => {
    const signature = items.find((item) => typeof item['signature'] === 'string')?.['signature'];
    return {
      before: [],
      ...(signature !== undefined && { onCall: { google: { thoughtSignature: String(signature) } } }),
    };
  },
  ownOptions: () => ({}),
});

/** Google's Gemini API. */
export const google = googleOver(openEgress);
