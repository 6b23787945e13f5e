import { applyStyle, type StyledMessage, type StyleOrder } from '@will/core';
import type { wire } from '@will/contracts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The input as this model is to see it, and what was done in words for the attempt. Only a chat that something must be
 * done to is parsed; what is no chat goes through as it came, for the provider to refuse.
 */
export function styledInput(
  { input, inputKind }: Pick<wire.CallRequest, 'input' | 'inputKind'>,
  style: StyleOrder | undefined,
): { readonly input: Uint8Array; readonly inWords: string } {
  if (!style || inputKind !== 'chat') return { input, inWords: '' };
  const chat = parse(input);
  if (!chat) return { input, inWords: '' };
  const messages = applyStyle(chat.messages, style);
  return { input: encoder.encode(JSON.stringify({ ...chat, messages })), inWords: inWords(style) };
}

function parse(input: Uint8Array): { readonly messages: readonly StyledMessage[] } | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(input));
    const messages =
      typeof value === 'object' && value !== null ? (value as { messages?: unknown }).messages : undefined;
    const isChat =
      Array.isArray(messages) && messages.every((message) => typeof message === 'object' && message !== null);
    return isChat ? (value as { messages: StyledMessage[] }) : undefined;
  } catch {
    return undefined;
  }
}

function inWords({ tone, template, hasSystemRole }: StyleOrder): string {
  const done = [
    ...(tone === undefined ? [] : [`tone ${tone}`]),
    ...(template === undefined ? [] : ['system prompt by prompt_format']),
    ...(hasSystemRole ? [] : ['system prompt folded into the first message']),
  ];
  return done.join(', ');
}
