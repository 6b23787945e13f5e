import { PayloadError } from '@will/bus';
import type { wire } from '@will/contracts';
import type { PayloadSource } from '../ports.ts';

/** An input as a provider gets it. */
export interface WholeInput {
  readonly input: Uint8Array;
  readonly attachment?: { readonly field: string; readonly content: Uint8Array };
}

/** Base64 and JSON of more would keep a whole process busy for too long. */
const maxInJsonBytes = 16 * 1024 * 1024;

/** A call's input with what lies in the payload bucket put where it belongs; words instead: why it cannot be had. */
export async function wholeInput(
  { input, payload }: Pick<wire.CallRequest, 'input' | 'payload'>,
  payloads: PayloadSource,
  signal: AbortSignal,
  takesAttachments: boolean,
): Promise<WholeInput | string> {
  if (!payload) return { input };
  const { field, bytes } = payload;
  if (field !== '' && !takesAttachments && bytes > BigInt(maxInJsonBytes))
    return `this model takes ${field} of at most ${maxInJsonBytes} bytes`;
  try {
    const content = await payloads.get(payload, signal);
    if (field === '') return { input: content };
    if (takesAttachments) return { input, attachment: { field, content } };
    const whole = withField(input, field, content);
    return typeof whole === 'string' ? whole : { input: whole };
  } catch (error) {
    if (error instanceof PayloadError) return error.message;
    throw error;
  }
}

const openingBrace = 0x7b;

/**
 * A JSON object with one field more, whose value is base64. The field is written in front of the others, so that nothing
 * large is parsed and made text again. Words instead: there is no place for it.
 */
export function withField(json: Uint8Array, field: string, content: Uint8Array): Uint8Array | string {
  const stated = parse(json);
  if (stated === undefined || json[0] !== openingBrace) return 'the input beside its payload is no JSON object';
  if (Object.hasOwn(stated, field)) return `the input has ${field} beside the payload that is to be its ${field}`;
  const comma = Object.keys(stated).length > 0 ? ',' : '';
  return Buffer.concat([
    Buffer.from(`{${JSON.stringify(field)}:"`),
    Buffer.from(Buffer.from(content.buffer, content.byteOffset, content.length).toString('base64'), 'latin1'),
    Buffer.from(`"${comma}`),
    json.subarray(1),
  ]);
}

function parse(json: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(json).toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
