import { createGoogle } from '@ai-sdk/google';
import { sdkProvider } from '../ai-sdk/index.ts';

/** Google's Gemini API. */
export const google = sdkProvider({
  name: 'google',
  languageModel: ({ baseUrl, apiKey, model, fetch }) => createGoogle({ baseURL: baseUrl, apiKey, fetch })(model),
  embeddingModel: ({ baseUrl, apiKey, model, fetch }) =>
    createGoogle({ baseURL: baseUrl, apiKey, fetch }).embedding(model),
  probeHeaders: (apiKey) => ({ 'x-goog-api-key': apiKey }),
  knowsJsonWithoutSchema: true,
  ownOptions: () => ({}),
});
