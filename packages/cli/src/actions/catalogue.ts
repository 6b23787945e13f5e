import { subjects, wire, writeDocument } from '@will/contracts';
import { type ModelDocument, modalitiesOfTags, pricesOf, slugOf } from '@will/core';
import { type CatalogueEntry, findInCatalogue, readCatalogue } from '../catalogue/catalogue.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { cataloguePrices } from '../price-catalogue.ts';
import { table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName, exitCodeOf, showApplied, waitOf } from './apply.ts';

export interface AddKnownOptions {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly apiKey?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `willm models catalogue`: well-known models to start from, with what they cost now. */
export async function showCatalogue(
  terminal: Terminal,
  options: { readonly json?: boolean },
  at: Date,
): Promise<ExitCode> {
  const entries = (await readCatalogue()).map(({ name, document }) => ({ name, document: withPrices(document, at) }));
  if (options.json) printJson(terminal, entries);
  else terminal.out(table(entries, columns(at)));
  return exitCodes.success;
}

/**
 * `willm models add openai/gpt-5`: makes the record of a well-known model out of the catalogue: limits, modalities, residency, and what it
 * costs now. With `--dry-run` it goes to stdout, else to the registry.
 */
export async function addKnownModel(
  terminal: Terminal,
  known: string,
  { name, tags, apiKey, ...options }: AddKnownOptions,
  at: Date,
): Promise<ExitCode> {
  const found = withPrices(await findInCatalogue(known), at);
  const body = {
    ...found,
    ...(name !== undefined && { name, slug: slugOf(name) }),
    ...(tags !== undefined && { tags }),
    ...(apiKey !== undefined && { api_key: apiKey }),
  };
  if (isOver(body, at)) throw new CliError(exitCodes.failed, `${known} is retired since ${String(body.retired)}`);
  if (!body.prices) terminal.err(`${known}: no price is known; its calls will cost "unknown"\n`);
  terminal.err(
    `${body.name}: it is shown open data only, until its record says allowed_tasks, security_level and compliance\n`,
  );
  const text = writeDocument({ kind: 'model', body });
  if (options.dryRun) {
    if (options.json) printJson(terminal, body);
    else terminal.content(text);
    return exitCodes.success;
  }
  const question = {
    files: [{ path: 'model.yaml', text }],
    note: `willm models add ${known}`,
    author: authorName(),
    waitMs: waitOf().waitMs,
  };
  const answer = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.registry('apply'),
      [wire.ApplyRequestSchema, question],
      wire.ApplyResponseSchema,
      waitOf().timeoutMs,
    ),
  );
  if (options.json) printJson(terminal, answer);
  else showApplied(terminal, answer, {});
  return exitCodeOf(answer);
}

/** What it costs now, where that is known. */
function withPrices(document: ModelDocument, at: Date): ModelDocument {
  const prices = cataloguePrices(document, at);
  return typeof prices === 'string' ? document : { ...document, prices };
}

const isOver = ({ retired }: ModelDocument, at: Date): boolean =>
  retired === true || (typeof retired === 'string' && Date.parse(retired) <= at.getTime());

const goesIn = ({ modalities, tags }: ModelDocument): string =>
  (modalities?.input ?? [...modalitiesOfTags(tags).input]).join(' ');

/** Dollars for a million tokens, in and out. */
function costs(document: ModelDocument): string {
  const { price } = pricesOf(document);
  return price ? `$${price.input / 1e9} / $${price.output / 1e9}` : 'unknown';
}

const columns = (at: Date) =>
  [
    { title: 'MODEL', value: ({ name }: CatalogueEntry) => name },
    { title: 'TAKES', value: ({ document }: CatalogueEntry) => goesIn(document) },
    { title: 'TAGS', value: ({ document }: CatalogueEntry) => document.tags.join(' ') },
    { title: 'CONTEXT', value: ({ document }: CatalogueEntry) => document.context_tokens ?? '', align: 'right' },
    { title: 'PER MILLION', value: ({ document }: CatalogueEntry) => costs(document), align: 'right' },
    { title: '', value: ({ document }: CatalogueEntry) => (isOver(document, at) ? 'retired' : '') },
  ] as const;
