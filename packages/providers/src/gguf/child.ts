import { vectorsToBytes, type FinishReason } from '@will/core';
import {
  type ChatHistoryItem,
  type ChatWrapper,
  getLlama,
  type Llama,
  LlamaChatSession,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  type LlamaGrammar,
  type LlamaModel,
  resolveChatWrapper,
} from 'node-llama-cpp';
import { type Computation, compute } from '../local-process/compute.ts';
import type { Computed, NotComputed } from '../local-process/protocol.ts';
import type { GgufChatRequest, GgufRequest, LoadOptions, VectorsRequest } from './protocol.ts';

/** The library's own default is to take the likeliest token always, and small models then say one thing for ever. */
const defaultTemperature = 0.7;
const defaultTopP = 0.9;

const tooLong: NotComputed = { reason: 'context_length' };

class Engine implements Computation<GgufRequest> {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  /** The model's own template. Made once: that takes longer than a short answer. */
  readonly #template: ChatWrapper;
  readonly #contextTokens: number;
  readonly #free: Lane[];
  readonly #vectors: LlamaEmbeddingContext | undefined;
  readonly #waiting: ((lane: Lane) => void)[] = [];

  private constructor(
    llama: Llama,
    model: LlamaModel,
    contextTokens: number,
    sequences: LlamaContextSequence[],
    vectors: LlamaEmbeddingContext | undefined,
  ) {
    this.#llama = llama;
    this.#model = model;
    this.#template = resolveChatWrapper(model);
    this.#contextTokens = contextTokens;
    this.#free = sequences.map((sequence) => ({ sequence, spoken: [] }));
    this.#vectors = vectors;
  }

  static async load({ path, gpu, threads, sequences, ...options }: LoadOptions): Promise<Engine> {
    const llama = await getLlama({ build: 'never', gpu: gpu === false ? false : 'auto', logLevel: 'error' as never });
    if (gpu === 'required' && llama.gpu === false)
      throw new Error('its device is gpu, and no GPU with an installed build is here');
    const model = await llama.loadModel({ modelPath: path });
    const contextSize = Math.min(model.trainContextSize, options.contextTokens);
    // Threads are always set: left to itself the library spins on more than are free, which looks like hanging.
    const context = sequences > 0 ? await model.createContext({ contextSize, sequences, threads }) : undefined;
    const vectors = options.isForVectors ? await model.createEmbeddingContext({ contextSize, threads }) : undefined;
    const free = Array.from({ length: sequences }, () => context?.getSequence()).filter((one) => one !== undefined);
    return new Engine(llama, model, context?.contextSize ?? contextSize, free, vectors);
  }

  async run(request: GgufRequest, signal: AbortSignal, say: (text: string) => void): Promise<Computed | NotComputed> {
    if (request.kind === 'vectors') return await this.#embed(request, signal);
    const lane = await this.#lane(request);
    let said = '';
    try {
      return await this.#generate(request, lane.sequence, signal, (text) => {
        said += text;
        say(text);
      });
    } catch (error) {
      if (isTooLong(error)) return tooLong;
      throw error;
    } finally {
      lane.spoken = [...request.messages.map(lineOf), lineOf({ role: 'assistant', text: said })];
      this.#giveBack(lane);
    }
  }

  async #generate(
    request: GgufChatRequest,
    sequence: LlamaContextSequence,
    signal: AbortSignal,
    say: (text: string) => void,
  ): Promise<Computed | NotComputed> {
    const { history, prompt } = conversationOf(request);
    const session = new LlamaChatSession({
      contextSequence: sequence,
      autoDisposeSequence: false,
      chatWrapper: this.#template,
    });
    try {
      session.setChatHistory(history);
      const inputTokens = this.#count([...history, { type: 'user', text: prompt }]);
      if (inputTokens >= this.#contextTokens) return tooLong;
      const maxTokens = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, this.#contextTokens - inputTokens);
      const readBefore = sequence.tokenMeter.usedInputTokens;
      let outputTokens = 0;
      const { stopReason } = await session.promptWithMeta(prompt, {
        ...(await this.#sampling(request)),
        signal,
        stopOnAbortSignal: true,
        maxTokens,
        onTextChunk: say,
        onToken: (tokens) => {
          outputTokens += tokens.length;
        },
      });
      // The library may report a token that it then leaves out of the text.
      outputTokens = Math.min(outputTokens, maxTokens);
      // What stood in the sequence already was not computed again.
      const readTokens = sequence.tokenMeter.usedInputTokens - readBefore;
      const cachedInputTokens = Math.max(0, inputTokens - readTokens);
      return { finish: finishes[stopReason] ?? 'stop', inputTokens, outputTokens, cachedInputTokens };
    } finally {
      session.dispose({ disposeSequence: false });
    }
  }

  async #embed({ texts, dimensions: wanted }: VectorsRequest, signal: AbortSignal): Promise<Computed | NotComputed> {
    const context = this.#vectors;
    if (!context) return { reason: 'bad_request', detail: 'this model makes no vectors' };
    const tokens = texts.map((text) => this.#model.tokenize(text));
    // One more for what the library puts around each text.
    if (tokens.some(({ length }) => length + 2 > this.#contextTokens)) return tooLong;
    const vectors: (readonly number[])[] = [];
    for (const text of tokens) {
      if (signal.aborted) break;
      vectors.push((await context.getEmbeddingFor(text)).vector);
    }
    const dimensions = vectors[0]?.length ?? 0;
    if (wanted !== undefined && wanted !== dimensions)
      return { reason: 'bad_request', detail: `this model’s vectors have ${dimensions} dimensions` };
    const inputTokens = tokens.reduce((sum, { length }) => sum + length, 0);
    const text = JSON.stringify({ count: vectors.length, dimensions });
    const output = { text, data: vectorsToBytes(vectors), dataType: 'application/x-float32' };
    return { finish: 'stop', inputTokens, outputTokens: 0, output };
  }

  async #sampling({ temperature, topP, seed, stop, json }: GgufChatRequest): Promise<object> {
    const grammar = await this.#grammar(json);
    return {
      temperature: temperature ?? defaultTemperature,
      topP: topP ?? defaultTopP,
      ...(seed !== undefined && { seed }),
      ...(stop.length > 0 && { customStopTriggers: stop }),
      ...(grammar && { grammar }),
    };
  }

  async #grammar(json: GgufChatRequest['json']): Promise<LlamaGrammar | undefined> {
    if (json === undefined) return undefined;
    if (json === true) return await this.#llama.getGrammarFor('json');
    return await this.#llama.createGrammarForJsonSchema(json as never);
  }

  /** The tokens of the whole conversation in the model's own template. */
  #count(chatHistory: ChatHistoryItem[]): number {
    const { contextText } = this.#template.generateContextState({ chatHistory });
    return contextText.tokenize(this.#model.tokenizer).length;
  }

  /** Of the free ones the one that holds the most of this conversation, and among equals the one used longest ago. */
  #lane({ messages }: GgufChatRequest): Promise<Lane> {
    if (this.#free.length === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    const lines = messages.map(lineOf);
    const known = this.#free.map(({ spoken }) => equalFromStart(spoken, lines));
    const [lane] = this.#free.splice(known.indexOf(Math.max(...known)), 1);
    return Promise.resolve(lane as Lane);
  }

  #giveBack(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next) next(lane);
    else this.#free.push(lane);
  }
}

/** A sequence of the context, which keeps what it computed, and the lines of the conversation that it was. */
interface Lane {
  readonly sequence: LlamaContextSequence;
  spoken: readonly string[];
}

const lineOf = ({ role, text }: GgufChatRequest['messages'][number]): string => `${role}: ${text}`;

function equalFromStart(one: readonly string[], other: readonly string[]): number {
  const differs = one.findIndex((line, n) => line !== other[n]);
  return differs < 0 ? one.length : differs;
}

const isTooLong = (error: unknown): boolean =>
  error instanceof Error && /context/i.test(error.message) && /(size|long|shift)/i.test(error.message);

/** An aborted call is not heard any more: what it ends as is of no matter. */
const finishes: Readonly<Record<string, FinishReason>> = {
  maxTokens: 'length',
  eogToken: 'stop',
  stopGenerationTrigger: 'stop',
  customStopTrigger: 'stop',
};

/** The last message is the prompt, all before it the history; system messages keep their place. */
function conversationOf({ messages }: GgufChatRequest): { history: ChatHistoryItem[]; prompt: string } {
  const last = messages.at(-1);
  const isPrompt = last?.role === 'user';
  const before = isPrompt ? messages.slice(0, -1) : messages;
  const history = before.map(({ role, text }): ChatHistoryItem => {
    if (role === 'assistant') return { type: 'model', response: [text] };
    return { type: role, text };
  });
  return { history, prompt: isPrompt ? last.text : '' };
}

compute<LoadOptions, GgufRequest>((options) => Engine.load(options));
