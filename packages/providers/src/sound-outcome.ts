import type { FinishReason, ProviderFailure, Usage } from '@will/core';
import type { ContentDelta, ModelCall, ProviderOutcome } from './port.ts';
import { chatSize, estimatedUsage } from './usage.ts';

/** The largest count that records hold. */
const maxCount = 2 ** 32 - 1;
const maxMs = 24 * 3_600_000;

/** A name that may stand in records and metrics; what a provider says is not ours. */
const plainName = /^[\w.:/@+-]{1,100}$/;

const finishes: ReadonlySet<string> = new Set<FinishReason>([
  'stop',
  'length',
  'tool_calls',
  'content_filter',
  'unknown',
]);

/**
 * An outcome as the rest of the product can rely on it, from any source: providers and hooks of extensions are not ours.
 * Counts that no record can hold are estimated. @throws {TypeError} content is not of the type that it must be.
 */
export function soundOutcome(
  outcome: ProviderOutcome,
  call: Pick<ModelCall, 'input' | 'maxOutputTokens'>,
): ProviderOutcome {
  if (!outcome.ok)
    return {
      ...outcome,
      failure: soundFailure(outcome.failure),
      usage: outcome.usage && soundUsage(outcome.usage, call, 0),
    };
  const { finish, usage, output, servedVersion, spentForMs } = outcome;
  const content = output && soundDelta(output);
  const sound: { -readonly [K in keyof typeof outcome]: (typeof outcome)[K] } = {
    ok: true,
    finish: finishes.has(finish) ? finish : 'unknown',
    usage: soundUsage(usage, call, (content?.text?.length ?? 0) + (content?.refusal?.length ?? 0)),
    output: content,
  };
  if (servedVersion !== undefined && plainName.test(servedVersion)) sound.servedVersion = servedVersion;
  if (spentForMs !== undefined) sound.spentForMs = soundMs(spentForMs) ?? 0;
  return sound;
}

/** Content that is what its type says. @throws {TypeError} it is not. */
export function soundDelta(delta: ContentDelta): ContentDelta {
  const { text, refusal, reasoning, toolCalls, data, dataType } = delta;
  const isText = isTextOrNone(text) && isTextOrNone(refusal) && isTextOrNone(reasoning);
  const isSound =
    isText && isTextOrNone(toolCalls) && isTextOrNone(dataType) && (data === undefined || data instanceof Uint8Array);
  if (!isSound) throw new TypeError('content must be text, or bytes with their type');
  return delta;
}

const isTextOrNone = (value: unknown): boolean => value === undefined || typeof value === 'string';

const counts = [
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'reasoningTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'imageInputTokens',
  'imageOutputTokens',
  'images',
] as const satisfies readonly (keyof Usage)[];

const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxCount;

function soundUsage(
  usage: Usage,
  { input, maxOutputTokens }: Pick<ModelCall, 'input' | 'maxOutputTokens'>,
  chars: number,
): Usage {
  if (counts.every((name) => usage[name] === undefined || isCount(usage[name]))) return usage;
  return estimatedUsage(chatSize(input, maxOutputTokens, { bytes: chars, chars }));
}

const soundFailure = (failure: ProviderFailure): ProviderFailure => ({
  ...failure,
  retryAfterMs: failure.retryAfterMs === undefined ? undefined : soundMs(failure.retryAfterMs),
});

/** Whole milliseconds, at most a day; undefined: it is no duration. */
const soundMs = (ms: number): number | undefined => (ms >= 0 ? Math.min(maxMs, Math.ceil(ms)) : undefined);
