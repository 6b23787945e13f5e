import { areTexts, readTaskInput } from '@will/core';
import type { ModelCall } from '../port.ts';
import type { GgufChatRequest, GgufRequest, LoadOptions, VectorsRequest } from './protocol.ts';

interface RawChat {
  readonly messages?: unknown;
  readonly temperature?: unknown;
  readonly top_p?: unknown;
  readonly seed?: unknown;
  readonly stop?: unknown;
  readonly response_format?: { readonly type?: unknown; readonly json_schema?: { readonly schema?: unknown } };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

type Abilities = Pick<LoadOptions, 'sequences' | 'isForVectors'>;

/**
 * Reads what is to be computed, out of the caller's bytes; a string says what is wrong, without repeating any of it.
 */
export function readInput(call: ModelCall, { sequences, isForVectors }: Abilities): GgufRequest | string {
  const kinds = [...(sequences > 0 ? ['chat'] : []), ...(isForVectors ? ['embedding'] : [])];
  if (!kinds.includes(call.inputKind)) return `input kind ${call.inputKind} must be ${kinds.join(' or ')}`;
  let raw: unknown;
  try {
    raw = JSON.parse(decoder.decode(call.input));
  } catch {
    return 'the input is no JSON';
  }
  return call.inputKind === 'chat' ? readChat(raw as RawChat, call.maxOutputTokens) : readVectors(raw);
}

function readVectors(raw: unknown): VectorsRequest | string {
  const input = readTaskInput('embedding', raw);
  if (!input) return 'the input is no embedding';
  if (!areTexts(input.input)) return 'ids of tokens are not taken: send texts';
  return { kind: 'vectors', texts: input.input, dimensions: input.dimensions };
}

function readChat(raw: RawChat | null, maxTokens: number | undefined): GgufChatRequest | string {
  if (typeof raw !== 'object' || raw === null || !Array.isArray(raw.messages) || raw.messages.length === 0)
    return 'messages must be a list';
  const messages: GgufChatRequest['messages'][number][] = [];
  for (const message of raw.messages as unknown[]) {
    const read = readMessage(message);
    if (typeof read === 'string') return read;
    messages.push(read);
  }
  return {
    kind: 'chat',
    messages,
    maxTokens,
    temperature: numberOrNone(raw.temperature),
    topP: numberOrNone(raw.top_p),
    seed: numberOrNone(raw.seed),
    stop: readStop(raw.stop),
    json: readFormat(raw.response_format),
  };
}

const roles: Readonly<Record<string, 'system' | 'user' | 'assistant'>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

function readMessage(message: unknown): GgufChatRequest['messages'][number] | string {
  const { role, content } = (typeof message === 'object' && message !== null ? message : {}) as {
    role?: unknown;
    content?: unknown;
  };
  const known = typeof role === 'string' ? roles[role] : undefined;
  if (!known) return 'a message’s role must be system, developer, user or assistant';
  const text = typeof content === 'string' ? content : textOfParts(content);
  return text === undefined ? 'a message’s content must be text' : { role: known, text };
}

function textOfParts(content: unknown): string | undefined {
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part: unknown) => {
    const { type, text } = (typeof part === 'object' && part !== null ? part : {}) as {
      type?: unknown;
      text?: unknown;
    };
    return type === 'text' && typeof text === 'string' ? text : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts.join('\n') : undefined;
}

const numberOrNone = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

function readStop(stop: unknown): string[] {
  const list: unknown[] = Array.isArray(stop) ? stop : [stop];
  return list.filter((one): one is string => typeof one === 'string' && one !== '').slice(0, 8);
}

function readFormat(format: RawChat['response_format']): GgufChatRequest['json'] {
  if (format?.type === 'json_object') return true;
  const schema = format?.type === 'json_schema' ? format.json_schema?.schema : undefined;
  return typeof schema === 'object' && schema !== null ? schema : undefined;
}
