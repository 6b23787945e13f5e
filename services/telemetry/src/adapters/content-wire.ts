import { create, wire } from '@will/contracts';
import type { KeptContent } from '@will/store';

/** A text that was cut in the middle of a character loses that character. */
export const contentFromWire = (content: wire.CallContent): KeptContent => ({
  attemptId: content.attemptId,
  taskId: content.taskId,
  client: content.client,
  inputKind: content.inputKind,
  input: new TextDecoder().decode(content.input),
  output: content.output,
  isCut: content.isCut,
  untilMs: Number(content.untilUnixMs),
});

export const contentToWire = ({ untilMs, input, ...content }: KeptContent): wire.CallContent =>
  create(wire.CallContentSchema, {
    ...content,
    input: new TextEncoder().encode(input),
    untilUnixMs: BigInt(untilMs),
  });
