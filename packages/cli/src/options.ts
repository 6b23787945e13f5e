import { type Command, InvalidArgumentError } from 'commander';
import { type Priority, priorityConflict, priorityStated, nameKey, slugPattern, splitCostTag, quote } from '@will/core';
import { CliError, exitCodes } from './cli-error.ts';

/** Refuses a second value of an option: whose data goes where must not hang on which of two came last. */
export function statedOnce(command: Command): Command {
  for (const option of command.options.filter(({ required }) => required)) {
    const { parseArg } = option;
    option.argParser((raw: string, earlier: string | undefined) => {
      if (earlier !== undefined) throw new InvalidArgumentError('It is stated twice.');
      return parseArg ? parseArg(raw, earlier) : raw;
    });
  }
  return command;
}

/** A whole number within bounds, both included. */
export const wholeNumber =
  (min: number, max: number) =>
  (raw: string): number => {
    const value = /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };

/** Seconds within bounds, both included; parts of a second too. */
export const secondsBetween =
  (min: number, max: number) =>
  (raw: string): number => {
    const value = /^\d{1,6}(\.\d{1,3})?$/.test(raw) ? Number(raw) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`It must be seconds from ${min} to ${max}.`);
    return value;
  };

/** A slug, name or alias as it was typed: the registry knows whose it is. */
export function named(raw: string): string {
  const name = raw.trim();
  if (nameKey(name) === '' || name.length > 128) throw new InvalidArgumentError('It must have 1 to 128 characters.');
  return name;
}

export const isGgufFile = (raw: string): boolean => /\.gguf$/i.test(raw);

export function fileOrKnownModel(raw: string): string {
  if (!isGgufFile(raw) && !/^[a-z0-9-]+\/[\w.:-]+$/i.test(raw))
    throw new InvalidArgumentError('It must be a .gguf file, or a name of the catalogue such as openai/gpt-5.');
  return raw;
}

export function taskType(raw: string): string {
  if (!slugPattern.test(raw))
    throw new InvalidArgumentError(`It must match ${slugPattern.source}: text_gen, code, translation, …`);
  return raw;
}

/** Key of a cost tag. */
export function tagKey(raw: string): string {
  if (!slugPattern.test(raw)) throw new InvalidArgumentError(`It must match ${slugPattern.source}: team, env, …`);
  return raw;
}

/** `--cost-tag team=search`, once for each key. */
export function costTag(raw: string, earlier: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [key, value = ''] = splitCostTag(raw);
  if (key === '' || value === '') throw new InvalidArgumentError('It must be key=value.');
  if (Object.hasOwn(earlier, key)) throw new InvalidArgumentError(`${quote(key)} is stated twice.`);
  return { ...earlier, [key]: value };
}

export function modelName(raw: string): string {
  if (raw === '' || raw.length > 128)
    throw new InvalidArgumentError('It must have 1 to 128 characters: a slug, name or alias.');
  return raw;
}

/** Words separated by commas, each matching a slug. */
export function words(raw: string): readonly string[] {
  const found = raw.split(',').map((word) => word.trim());
  const bad = found.find((word) => !slugPattern.test(word));
  if (bad !== undefined) throw new InvalidArgumentError(`${quote(bad)} must match ${slugPattern.source}.`);
  return found;
}

/** Words of a closed set, separated by commas. */
export const wordsOf =
  (allowed: readonly string[]) =>
  (raw: string): readonly string[] => {
    const found = words(raw);
    const bad = found.find((word) => !allowed.includes(word));
    if (bad !== undefined) throw new InvalidArgumentError(`${quote(bad)} must be one of ${allowed.join(', ')}.`);
    return found;
  };

/** The priority that `--priority` and `--high-priority` say together. @throws {CliError} usage: they contradict each other. */
export function priorityIn(options: {
  readonly priority?: Priority;
  readonly highPriority?: boolean;
}): Priority | undefined {
  const stated = priorityStated(options.priority, options.highPriority);
  if (stated !== 'conflict') return stated;
  throw new CliError(exitCodes.usage, priorityConflict(options.priority ?? 'normal', options.highPriority === true));
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const isoOr =
  (relative: string, atOf: (spanMs: number) => number) =>
  (raw: string): number => {
    const span = /^(\d{1,6})([smhd])$/.exec(raw);
    if (span) return atOf(Number(span[1]) * (unitMs[span[2] ?? ''] ?? 0));
    const atMs = /^\d{4}-\d\d/.test(raw) ? Date.parse(raw) : Number.NaN;
    if (Number.isNaN(atMs))
      throw new InvalidArgumentError(`It must be an ISO time, or ${relative} such as 15m, 2h, 7d.`);
    return atMs;
  };

/** An instant as epoch milliseconds: ISO (`2026-11-23T21:00:00Z`), or how long ago (`15m`, `2h`, `7d`). */
export const instant = (nowMs: () => number) => isoOr('a time ago', (spanMs) => nowMs() - spanMs);

/** An instant to come, as epoch milliseconds: ISO, or how long from now (`15m`, `2h`, `7d`). */
export const instantAhead = (nowMs: () => number) => isoOr('a time from now', (spanMs) => nowMs() + spanMs);
