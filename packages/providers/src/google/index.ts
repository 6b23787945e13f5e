import { createGoogle } from '@ai-sdk/google';
import { sdkProvider } from '../ai-sdk/index.ts';
import { googleForm } from '../chat/google-form.ts';

/** Google's Gemini API. */
export const google = sdkProvider({
  name: 'google',
  languageModel: ({ baseUrl, apiKey, model, fetch }) => createGoogle({ baseURL: baseUrl, apiKey, fetch })(model),
  embeddingModel: ({ baseUrl, apiKey, model, fetch }) =>
    createGoogle({ baseURL: baseUrl, apiKey, fetch }).embedding(model),
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
