import { createOpenAI } from '@ai-sdk/openai';
import { cloudEndpointOf, type Model } from '@will/core';
import { type ProviderOver, sdkProvider } from '../ai-sdk/index.ts';
import { openAiHints } from '../chat/cache-hints.ts';
import { responsesForm } from '../chat/responses-form.ts';
import { openEgress } from '../egress/index.ts';
import { openAiCompatibleOver } from '../openai-compatible/index.ts';
import type { ModelConnection } from '../port.ts';

const name = 'openai';

/** OpenAI's Responses API. */
const responsesOver = sdkProvider({
  name,
  languageModel: ({ baseUrl, apiKey, model, fetch }) =>
    createOpenAI({ baseURL: baseUrl, apiKey, fetch }).responses(model),
  form: responsesForm,
  healthCheckHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  needsMaximum: false,
  knowsJsonWithoutSchema: true,
  keptParts: (items) => ({
    before: items.flatMap(({ id, summary, encrypted_content }) =>
      summaryTexts(summary).map((text) => ({
        type: 'reasoning' as const,
        text,
        providerOptions: { openai: { itemId: String(id), reasoningEncryptedContent: String(encrypted_content) } },
      })),
    ),
  }),
  // Answers are kept by default; nothing here asks for them later.
  ownOptions: ({ parallel_tool_calls: atOnce }, hints, model) => ({
    openai: {
      store: false,
      ...(typeof atOnce === 'boolean' && { parallelToolCalls: atOnce }),
      ...openAiHints(model, hints),
    },
  }),
});

/** One text for each part; one that is empty where there is none. */
function summaryTexts(summary: unknown): readonly string[] {
  const texts = Array.isArray(summary)
    ? summary.map((part: { readonly text?: unknown }) => String(part.text ?? ''))
    : [];
  return texts.length > 0 ? texts : [''];
}

/** OpenAI itself, over a way out: chats by its Responses API, everything else by the paths that others have copied. */
export const openAiOver: ProviderOver = (open) => ({
  name,
  async open(model) {
    const chats = await responsesOver(open).open(model);
    return new OpenAiConnection(chats, await openAiCompatibleOver(open).open(withEndpoint(model)));
  },
});

/** OpenAI itself. */
export const openAi = openAiOver(openEgress);

class OpenAiConnection implements ModelConnection {
  readonly naturalConcurrency = undefined;
  readonly takesAttachments = true;
  readonly #chats: ModelConnection;
  readonly #others: ModelConnection;

  constructor(chats: ModelConnection, others: ModelConnection) {
    this.#chats = chats;
    this.#others = others;
  }

  run(...[call, onDelta, signal]: Parameters<ModelConnection['run']>): ReturnType<ModelConnection['run']> {
    return (call.inputKind === 'chat' ? this.#chats : this.#others).run(call, onDelta, signal);
  }

  checkHealth(signal: AbortSignal): ReturnType<ModelConnection['checkHealth']> {
    return this.#chats.checkHealth(signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.#chats.close(), this.#others.close()]);
  }
}

/** The other protocol knows no address of its own. */
function withEndpoint(model: Model): Model {
  const { document } = model;
  const endpoint = document.endpoint ?? document.local?.endpoint ?? cloudEndpointOf(name);
  return { ...model, document: { ...document, ...(endpoint !== undefined && { endpoint }) } };
}
