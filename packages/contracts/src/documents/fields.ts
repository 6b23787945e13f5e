import {
  costTagsProblem,
  type DeclaredCostTags,
  isPrivateEndpoint,
  maxCostTagKeys,
  maxCostTagValues,
  slugPattern,
} from '@will/core';
import { z } from 'zod';
import { quote } from './problem.ts';

/**
 * The kinds of fields that documents are made of. Each reads what people write (any case, `yes`, a list or a comma
 * string) and yields the normal form; its message names the value and what was allowed.
 */
type Read<T> = (value: unknown) => T | undefined;

/** Builds a field: `read` yields undefined for what is not `allowed`. */
function field<T>(allowed: string, read: Read<T>, show: (value: unknown) => string = quote) {
  return z
    .unknown()
    .transform((value, context): T => {
      const result = read(value);
      if (result !== undefined) return result;
      const message = value === undefined ? `is missing; it must be ${allowed}` : `${show(value)} must be ${allowed}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({ allowed });
}

/** A map with these fields and no others. The message lists the fields: {@link problemsOf} makes sentences of it. */
export const record = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return Object.keys(shape).join(' ');
      return `${quote(issue.input)} must be a map of ${Object.keys(shape).slice(0, 6).join(', ')}${Object.keys(shape).length > 6 ? ', …' : ''}`;
    },
  });

const readText = (value: unknown, most: number): string | undefined => {
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  return trimmed !== '' && trimmed.length <= most && !hasControl(trimmed) ? trimmed : undefined;
};
const hasControl = (value: string): boolean =>
  [...value].some((letter) => (letter < ' ' && !'\n\t\r'.includes(letter)) || letter === '\u007f');

/** One line of text. */
export const text = (most: number) =>
  field(`text of 1 to ${most} characters on one line`, (value) => {
    const line = readText(value, most);
    return line?.includes('\n') ? undefined : line;
  });

/** Text that may have several lines. */
export const prose = (most: number) => field(`text of 1 to ${most} characters`, (value) => readText(value, most));

/** A field that holds a slug. */
export const slug = () =>
  field(`a slug: 1 to 64 of a-z 0-9 _ -, the first a letter or digit`, (value) =>
    typeof value === 'string' && slugPattern.test(value) ? value : undefined,
  );

/** A field that holds a number within bounds. */
export const number = (least: number, most: number) =>
  field(`a number from ${least} to ${most}`, (value) =>
    typeof value === 'number' && value >= least && value <= most ? value : undefined,
  );

/** A field that holds a whole number within bounds. */
export const whole = (least: number, most: number) =>
  field(`a whole number from ${least} to ${most}`, (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
  );

/** A time, or the word for a percentile of measured ones. */
export const milliseconds95 = () =>
  field('p95, or whole milliseconds from 1 to 600000', (value): number | 'p95' | undefined => {
    if (typeof value === 'string') return value.trim().toLowerCase() === 'p95' ? 'p95' : undefined;
    return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 600_000 ? value : undefined;
  });

const truths: Readonly<Record<string, boolean>> = {
  yes: true,
  true: true,
  on: true,
  no: false,
  false: false,
  off: false,
};

/** yes or no, true or false, in any case. */
export const yesNo = () =>
  field('yes or no', (value) => {
    if (typeof value === 'boolean') return value;
    const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return Object.hasOwn(truths, word) ? truths[word] : undefined;
  });

const plain = (word: string): string =>
  word
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '-');
const readChoice = <T extends string>(value: unknown, choices: readonly T[]): T | undefined =>
  typeof value === 'string' ? choices.find((choice) => plain(choice) === plain(value)) : undefined;

/** One of these words, in any case; `_`, `-` and spaces are alike. */
export const choice = <T extends string>(...choices: readonly T[]) =>
  field(`one of ${choices.join(', ')}`, (value) => readChoice(value, choices));

const items = (value: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? value.split(',').filter((part) => part.trim() !== '') : undefined;
};

/** A list, or a comma string, of something; without repeats. */
function listOf<T extends string>(allowed: string, least: number, most: number, readItem: Read<T>) {
  const bounds = least === 0 ? `at most ${most}` : `${least} to ${most}`;
  return field(
    `a list of ${bounds}: ${allowed}`,
    (value) => {
      const read = items(value)?.map(readItem);
      if (read === undefined || read.includes(undefined)) return undefined;
      const unique = [...new Set(read as T[])];
      return unique.length >= least && unique.length <= most ? unique : undefined;
    },
    (value) => {
      const bad = items(value)?.filter((item) => readItem(item) === undefined) ?? [];
      return quote(bad.length > 0 ? bad[0] : value);
    },
  );
}

/** A field that lists words of a closed set. */
export const choices = <T extends string>(least: number, ...allowed: readonly T[]) =>
  listOf(allowed.join(', '), least, allowed.length, (value) => readChoice(value, allowed));

/** A field that lists texts. */
export const texts = (least: number, most: number, length: number) =>
  listOf(`texts of 1 to ${length} characters`, least, most, (value) => readText(value, length));

/** Use-case tags, task types, capabilities: lower case. */
export const tags = (least: number) =>
  listOf('tags of a-z 0-9 _ -', least, 64, (value) => {
    const tag = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return slugPattern.test(tag) ? tag : undefined;
  });

/** Names of fields in a request, in the case in which they are sent. */
export const fieldNames = () =>
  listOf('names of fields, A-Z a-z 0-9 _ -', 0, 64, (value) =>
    typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(value) ? value : undefined,
  );

/** Keys with the values of each. Values are told apart as they are written. */
export const costTags = () =>
  field(
    `a map of at most ${maxCostTagKeys} keys (a-z 0-9 _ -), each with a list of 1 to ${maxCostTagValues} values of A-Z a-z 0-9 . _ / - and blanks`,
    readCostTagsDeclared,
  );

function readCostTagsDeclared(value: unknown): DeclaredCostTags | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const declared: Record<string, readonly string[]> = {};
  for (const [key, stated] of Object.entries(value)) {
    const values = items(stated)?.map(readCostTagValue);
    if (!values || values.length === 0 || values.length > maxCostTagValues || values.includes(undefined))
      return undefined;
    declared[key] = [...new Set(values as string[])];
  }
  return costTagsProblem(declared) === undefined ? declared : undefined;
}

function readCostTagValue(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  return /^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}$/.test(text) ? text : undefined;
}

/** Domains without a wildcard: `svc.cluster.local`; `.svc` and `*.svc` are read as `svc`. */
export const domains = () =>
  listOf('domain names such as svc.cluster.local', 0, 50, (value) => {
    const domain =
      typeof value === 'string'
        ? value
            .trim()
            .toLowerCase()
            .replace(/^\*?\./, '')
        : '';
    return /^(?!.*\.\d+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(domain) &&
      !/^\d+$/.test(domain)
      ? domain
      : undefined;
  });

/** A reference to a key. What is written here may be a key by mistake, so it is never shown. */
export const keyReference = () =>
  field(
    'env://NAME or file:///path, a reference and never the key itself',
    (value) =>
      typeof value === 'string' && /^(env:\/\/[A-Za-z_][A-Za-z0-9_]{0,127}|file:\/\/\/[^\s\0]{1,1024})$/.test(value)
        ? value
        : undefined,
    () => 'the value (not shown)',
  );

/** A base URL. A user and password in it are refused and not shown. */
export const endpoint = () =>
  field('an http:// or https:// address without user and password, or unix:///path', readEndpoint, (value) =>
    typeof value === 'string' && value.includes('@') ? 'an address with "@"' : quote(value),
  );

function readEndpoint(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2_048) return undefined;
  if (/^unix:\/\/\/[^\\@\s\0]+$/.test(value)) return value;
  if (!/^https?:\/\//i.test(value) || /[\s\\]/.test(value)) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/$/, '');
}

/** Signed words may be read on the way unless they are encrypted: plain HTTP is for private addresses. */
export const webhookAddress = () =>
  field(
    'an https:// address without user and password, or an http:// address on a private network',
    (value) => {
      const url = readEndpoint(value);
      return url?.startsWith('https://') || (url?.startsWith('http://') && isPrivateEndpoint(url)) ? url : undefined;
    },
    (value) => (typeof value === 'string' && value.includes('@') ? 'an address with "@"' : quote(value)),
  );

/** A field that holds the path of a file. */
export const filePath = () =>
  field('a path of at most 1024 characters without ".."', (value) => {
    const path = readText(value, 1_024);
    return path?.split(/[/\\]/).includes('..') ? undefined : path;
  });

/** A field that names a time zone. */
export const timeZone = () =>
  field('an IANA zone such as Europe/Berlin or UTC', (value) =>
    typeof value === 'string' && isTimeZone(value) ? value : undefined,
  );

function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** 24:00 is the end of the day. */
export const timeOfDay = () =>
  field('a time from 00:00 to 24:00', (value) => {
    const match = typeof value === 'string' ? /^(\d{1,2}):(\d{2})$/.exec(value.trim()) : null;
    const [hours, minutes] = match ? [Number(match[1]), Number(match[2])] : [99, 99];
    const isTime = (hours <= 23 && minutes <= 59) || (hours === 24 && minutes === 0);
    return isTime ? `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}` : undefined;
  });

const isDate = (value: string): boolean => {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value);
};

/** A field that lists dates. */
export const dates = () =>
  listOf('dates such as 2026-12-24', 0, 1_000, (value) =>
    typeof value === 'string' && isDate(value.trim()) ? value.trim() : undefined,
  );

/** A date means its first moment in UTC. */
export const instant = () =>
  field('a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z', readInstant);

/** As {@link instant}, or `yes` for something that holds already. */
export const instantOrYes = () =>
  field(
    'yes, a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z',
    (value): string | true | undefined =>
      value === true || (typeof value === 'string' && truths[value.trim().toLowerCase()] === true)
        ? true
        : readInstant(value),
  );

function readInstant(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (isDate(value)) return `${value}T00:00:00Z`;
  const isInstant =
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(value) && isDate(value.slice(0, 10));
  return isInstant && !Number.isNaN(Date.parse(value)) ? value : undefined;
}
