import type { Egress, EgressListener, EgressRequest } from '../egress/index.ts';
import type { ContentDelta, ModelCall, ProviderOutcome } from '../port.ts';
import { callOf } from '../contract.ts';
import { Answer } from './answer.ts';
import { anthropicForm } from './anthropic-form.ts';
import { ChatCall } from './chat-call.ts';
import type { Form } from './form.ts';
import { googleForm } from './google-form.ts';
import { openAiForm } from './openai-form.ts';
import { responsesForm } from './responses-form.ts';
import { AnswerError } from './unreadable.ts';

const request: EgressRequest = {
  method: 'POST',
  path: '/',
  headers: {},
  headersTimeoutMs: 1_000,
  idleTimeoutMs: 1_000,
};

/** An answer as it comes from the network: its pieces, and what becomes of the connection after them. */
export interface Played {
  readonly pieces: readonly (string | Uint8Array)[];
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: `ends`. */
  readonly afterwards?: 'ends' | 'stays open' | { readonly fails: string };
  /** The pieces come so far apart, and the end as long after the last one. Default: all at once. */
  readonly gapMs?: number;
  /** A tool that the vendor was given so that it answers in JSON. */
  readonly jsonTool?: string;
}

export interface PlayedResult {
  readonly outcome: ProviderOutcome;
  readonly deltas: readonly ContentDelta[];
  readonly wasAborted: boolean;
}

/** A chat whose upstream is the test: it tells the listener what comes, by hand. */
export interface StartedChat {
  readonly outcome: Promise<ProviderOutcome>;
  readonly deltas: readonly ContentDelta[];
  readonly sent: EgressRequest;
  readonly upstream: EgressListener;
  readonly signal: AbortSignal;
  abort(reason: string): void;
  /** How often the connection was given up. */
  abortsOfConnection(): number;
}

/** Starts a chat that waits for its answer. `onDelta` sees each piece of content after it was noted. */
export function startChat(
  form: () => Form,
  over: Partial<ModelCall> = {},
  { jsonTool, onDelta }: { readonly jsonTool?: string; onDelta?(chat: StartedChat): void } = {},
): StartedChat {
  const deltas: ContentDelta[] = [];
  const abort = new AbortController();
  let aborts = 0;
  let told: { readonly sent: EgressRequest; readonly upstream: EgressListener } | undefined;
  const egress: Egress = {
    send(sent, upstream) {
      told = { sent, upstream };
      return { abort: () => void (aborts += 1) };
    },
    close: () => Promise.resolve(),
  };
  const noted = (delta: ContentDelta): void => {
    deltas.push(delta);
    onDelta?.(chat);
  };
  const asked = { request, form: form(), origin: 'test', jsonTool };
  const { outcome } = new ChatCall(egress, asked, callOf(over), noted, abort.signal);
  if (!told) throw new Error('nothing was sent');
  const chat: StartedChat = {
    ...told,
    outcome,
    deltas,
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    abortsOfConnection: () => aborts,
  };
  return chat;
}

/** One chat whose answer is played without a network. */
export async function play(
  form: () => Form,
  { pieces, status = 200, headers = {}, afterwards = 'ends', gapMs, jsonTool }: Played,
  over: Partial<ModelCall> = {},
): Promise<PlayedResult> {
  const { upstream, outcome, deltas, abortsOfConnection } = startChat(form, over, jsonTool ? { jsonTool } : {});
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, gapMs));
  upstream.started(status, headers);
  for (const piece of pieces) {
    upstream.data(Buffer.from(piece as string));
    if (gapMs !== undefined) await pause();
  }
  if (afterwards === 'ends') upstream.ended();
  else if (afterwards !== 'stays open') upstream.failed(afterwards.fails);
  return { outcome: await outcome, deltas, wasAborted: abortsOfConnection() > 0 };
}

/** Values as server-sent events. */
export const events = (...values: readonly object[]): string =>
  values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('');

/** The tool calls that the pieces of a stream come to, put together as clients do it. */
export function callsOf(deltas: readonly ContentDelta[]): { id: string; name: string; arguments: string }[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { toolCalls } of deltas)
    for (const piece of JSON.parse(toolCalls ?? '[]') as readonly Piece[]) {
      const call = (calls[piece.index] ??= { id: '', name: '', arguments: '' });
      call.id += piece.id ?? '';
      call.name += piece.function.name ?? '';
      call.arguments += piece.function.arguments ?? '';
    }
  return calls;
}

interface Piece {
  readonly index: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments?: string };
}

const forms = { openAiForm, responsesForm, anthropicForm, googleForm } as const;
/** The name of a vendor's form. */
export type FormName = keyof typeof forms;

/** What was read of an answer, or why it could not be. */
function readBy(read: (form: Form, answer: Answer) => void, name: FormName): unknown {
  const answer = new Answer(undefined, 'origin');
  try {
    read(forms[name](), answer);
    answer.close();
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    return { reason: error.failure.reason };
  }
  const { toolCalls, ...output } = answer.output() ?? {};
  return {
    ...output,
    ...(toolCalls !== undefined && { toolCalls: JSON.parse(toolCalls) as unknown }),
    finish: answer.hasFinish ? answer.finishReason : 'none',
    isEnded: answer.isEnded,
    ...(answer.servedVersion !== undefined && { servedVersion: answer.servedVersion }),
    ...(answer.usage && { usage: answer.usage }),
  };
}

/** What a form reads of a stream of events. */
export const streamed = (name: FormName, ...events: readonly unknown[]): unknown =>
  readBy((form, answer) => {
    for (const event of events) form.event(event, JSON.stringify(event), answer);
  }, name);
/** What a form reads of an answer that came whole. */
export const whole = (name: FormName, body: unknown): unknown =>
  readBy((form, answer) => form.whole(body, JSON.stringify(body), answer), name);

/** A piece of a stream of OpenAI's chat form. */
export const chunk = (delta: unknown, more: object = {}): object => ({ choices: [{ delta, ...more }] });
/** A whole answer of OpenAI's chat form. */
export const message = (fields: object, more: object = {}): object => ({ choices: [{ message: fields, ...more }] });
/** A block of Anthropic's that begins. */
export const block = (content_block: object, index = 0): object => ({
  type: 'content_block_start',
  index,
  content_block,
});
/** A piece of a block of Anthropic's. */
export const delta = (value: object, index = 0): object => ({ type: 'content_block_delta', index, delta: value });
/** A part of Gemini's. */
export const part = (value: object): object => ({ candidates: [{ content: { parts: [value] } }] });
/** An item of OpenAI's responses that begins or is done. */
export const item = (type: string, value: object, output_index = 0): object => ({
  type: `response.output_item.${type}`,
  output_index,
  item: value,
});
