import {
  getLlama,
  type ChatHistoryItem,
  type LlamaContextSequence,
  LlamaChatSession,
  type LlamaContext,
  type LlamaModel,
  type Llama,
  type LlamaGrammar,
} from 'node-llama-cpp';
import type { FinishReason } from '@will/core';
import type { ChatRequest, FromChild, LoadOptions, ToChild } from './protocol.ts';

// This process does nothing but compute, and holds no keys: whatever a model's file or the native code does, the worker lives on.

const send = (message: FromChild): void => {
  if (process.connected) process.send?.(message);
};

/** The library's own default is to take the likeliest token always, and small models then say one thing for ever. */
const usualTemperature = 0.7;
const usualTopP = 0.9;

class Engine {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #free: LlamaContextSequence[];
  readonly #waiting: ((sequence: LlamaContextSequence) => void)[] = [];
  readonly #aborts = new Map<number, AbortController>();
  readonly #contextTokens: number;

  private constructor(llama: Llama, model: LlamaModel, context: LlamaContext, sequences: number) {
    this.#llama = llama;
    this.#model = model;
    this.#contextTokens = context.contextSize;
    this.#free = Array.from({ length: sequences }, () => context.getSequence());
  }

  static async load(options: LoadOptions): Promise<Engine> {
    const llama = await getLlama({ build: 'never', gpu: options.gpu, logLevel: 'error' as never });
    const model = await llama.loadModel({ modelPath: options.path });
    const contextSize = Math.min(model.trainContextSize, options.contextTokens);
    // Threads are always set: left to itself the library spins on more than are free, which looks like hanging.
    const context = await model.createContext({ contextSize, sequences: options.sequences, threads: options.threads });
    return new Engine(llama, model, context, options.sequences);
  }

  abort(id: number): void {
    this.#aborts.get(id)?.abort();
  }

  async run(id: number, request: ChatRequest): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const sequence = await this.#sequence();
    try {
      await this.#generate(id, request, sequence, abort.signal);
    } catch (error) {
      const isTooLong =
        error instanceof Error && /context/i.test(error.message) && /(size|long|shift)/i.test(error.message);
      send({ kind: 'error', id, reason: isTooLong ? 'context_length' : 'crashed' });
    } finally {
      this.#aborts.delete(id);
      this.#giveBack(sequence);
    }
  }

  async #generate(
    id: number,
    request: ChatRequest,
    sequence: LlamaContextSequence,
    signal: AbortSignal,
  ): Promise<void> {
    const { history, prompt } = conversationOf(request);
    const session = new LlamaChatSession({ contextSequence: sequence, autoDisposeSequence: false });
    try {
      session.setChatHistory(history);
      const inputTokens = this.#count(session, [...history, { type: 'user', text: prompt }]);
      if (inputTokens >= this.#contextTokens) return send({ kind: 'error', id, reason: 'context_length' });
      const maxTokens = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, this.#contextTokens - inputTokens);
      let outputTokens = 0;
      const { stopReason } = await session.promptWithMeta(prompt, {
        ...(await this.#sampling(request)),
        signal,
        stopOnAbortSignal: true,
        maxTokens,
        onTextChunk: (text) => send({ kind: 'text', id, text }),
        onToken: (tokens) => {
          outputTokens += tokens.length;
        },
      });
      // The library may report a token that it then leaves out of the text.
      outputTokens = Math.min(outputTokens, maxTokens);
      send({ kind: 'end', id, finish: finishes[stopReason] ?? 'stop', inputTokens, outputTokens });
    } finally {
      session.dispose({ disposeSequence: false });
    }
  }

  async #sampling({ temperature, topP, seed, stop, json }: ChatRequest): Promise<object> {
    const grammar = await this.#grammar(json);
    return {
      temperature: temperature ?? usualTemperature,
      topP: topP ?? usualTopP,
      ...(seed !== undefined && { seed }),
      ...(stop.length > 0 && { customStopTriggers: stop }),
      ...(grammar && { grammar }),
    };
  }

  async #grammar(json: ChatRequest['json']): Promise<LlamaGrammar | undefined> {
    if (json === undefined) return undefined;
    if (json === true) return await this.#llama.getGrammarFor('json');
    return await this.#llama.createGrammarForJsonSchema(json as never);
  }

  /** The tokens of the whole conversation in the model's own template. */
  #count(session: LlamaChatSession, chatHistory: ChatHistoryItem[]): number {
    const { contextText } = session.chatWrapper.generateContextState({ chatHistory });
    return contextText.tokenize(this.#model.tokenizer).length;
  }

  #sequence(): Promise<LlamaContextSequence> {
    const free = this.#free.pop();
    return free ? Promise.resolve(free) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(sequence: LlamaContextSequence): void {
    const next = this.#waiting.shift();
    if (next) next(sequence);
    else this.#free.push(sequence);
  }
}

const finishes: Readonly<Record<string, FinishReason | 'abort'>> = {
  maxTokens: 'length',
  abort: 'abort',
  eogToken: 'stop',
  stopGenerationTrigger: 'stop',
  customStopTrigger: 'stop',
};

/** The last message is the prompt, all before it the history; system messages keep their place. */
function conversationOf({ messages }: ChatRequest): { history: ChatHistoryItem[]; prompt: string } {
  const last = messages.at(-1);
  const isPrompt = last?.role === 'user';
  const before = isPrompt ? messages.slice(0, -1) : messages;
  const history = before.map(({ role, text }): ChatHistoryItem => {
    if (role === 'assistant') return { type: 'model', response: [text] };
    return { type: role, text };
  });
  return { history, prompt: isPrompt ? last.text : '' };
}

let engine: Engine | undefined;

async function load(options: LoadOptions): Promise<void> {
  try {
    engine = await Engine.load(options);
    send({ kind: 'loaded' });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown';
    send({ kind: 'not_loaded', message: message.slice(0, 200) });
  }
}

process.on('message', (message: ToChild) => {
  if (message.kind === 'load') void load(message.options);
  else if (message.kind === 'run') void engine?.run(message.id, message.input);
  else engine?.abort(message.id);
});
process.on('disconnect', () => process.exit(0));
