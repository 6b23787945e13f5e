import { priceHoursToWire, priceToWire, subjects, wire, writeDocument } from '@will/contracts';
import { type ModelDocument, pricesOf } from '@will/core';
import { bodyOf, documentsOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { dollars, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName, exitCodeOf, showApplied, waitOf } from './apply.ts';

/** `willm prices show`: what models cost by their documents, in dollars per million tokens. */
export async function showPrices(terminal: Terminal, options: { readonly json?: boolean }): Promise<ExitCode> {
  const documents = await withBus(terminal, (bus) => documentsOf(bus, 'model', ''));
  const rows = documents.map((document) => {
    const body = bodyOf(document) as ModelDocument;
    return { model: body.slug, prices: pricesOf(body) };
  });
  if (options.json) printJson(terminal, rows);
  else terminal.out(table(rows, columns));
  return exitCodes.success;
}

type Row = { readonly model: string; readonly prices: ReturnType<typeof pricesOf> };

/** Nano-dollars as dollars, with as many digits as there are; '' where not stated. */
const usd = (nanoUsd: number | undefined): string => (nanoUsd === undefined ? '' : `$${nanoUsd / 1e9}`);

const columns = [
  { title: 'MODEL', value: ({ model }: Row) => model },
  { title: 'IN', value: ({ prices }: Row) => (prices.price ? usd(prices.price.input) : 'unknown'), align: 'right' },
  { title: 'CACHED', value: ({ prices }: Row) => usd(prices.price?.cachedInput), align: 'right' },
  { title: 'OUT', value: ({ prices }: Row) => usd(prices.price?.output), align: 'right' },
  { title: 'REASONING', value: ({ prices }: Row) => usd(prices.price?.reasoning), align: 'right' },
  { title: 'TIERS', value: ({ prices }: Row) => prices.price?.tiers?.length ?? '', align: 'right' },
  { title: 'HOURS', value: ({ prices }: Row) => prices.priceHours.length || '', align: 'right' },
] as const;

/**
 * `willm prices refresh`: puts the catalogue's prices into the documents of models that are called by API, as one apply. Hours that a
 * document states stay. What the catalogue does not hold is said and left as it is.
 */
export async function refreshPrices(
  terminal: Terminal,
  options: { readonly model?: string; readonly dryRun?: boolean; readonly json?: boolean },
  at: Date,
): Promise<ExitCode> {
  const { cataloguePrices } = await import('../price-catalogue.ts');
  return withBus(terminal, async (bus) => {
    const documents = await documentsOf(bus, 'model', options.model ?? '');
    const files: { path: string; text: string }[] = [];
    for (const document of documents) {
      const body = bodyOf(document) as ModelDocument;
      if (body.call_method !== 'API') continue;
      const found = cataloguePrices(body, at);
      if (typeof found === 'string') terminal.err(`${body.slug}: ${found}; left as it is\n`);
      else {
        const prices = { ...found, ...(body.prices?.hours && { hours: body.prices.hours }) };
        files.push({ path: `${body.slug}.yaml`, text: writeDocument({ kind: 'model', body: { ...body, prices } }) });
      }
    }
    if (files.length === 0) throw new CliError(exitCodes.failed, 'the catalogue holds none of these models');
    const question = {
      files,
      dryRun: options.dryRun ?? false,
      note: 'prices from @pydantic/genai-prices',
      author: authorName(),
      waitMs: waitOf().waitMs,
    };
    const answer = await ask(
      bus,
      subjects.registry('apply'),
      [wire.ApplyRequestSchema, question],
      wire.ApplyResponseSchema,
      waitOf().timeoutMs,
    );
    if (options.json) printJson(terminal, answer);
    else showApplied(terminal, answer, options);
    return exitCodeOf(answer);
  });
}

export interface RepriceOptions {
  readonly model: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly until?: number;
  readonly json?: boolean;
}

/** It goes through all calls of that time. */
const repriceTimeoutMs = 600_000;

/** `willm prices reprice`: reprices calls at the prices that the model's document says now. */
export async function reprice(terminal: Terminal, options: RepriceOptions): Promise<ExitCode> {
  const answer = await withBus(terminal, async (bus) => {
    const [document] = await documentsOf(bus, 'model', options.model);
    if (!document) throw new CliError(exitCodes.failed, `no model is named ${JSON.stringify(options.model)}`);
    const { price, priceHours } = pricesOf(bodyOf(document) as ModelDocument);
    if (!price)
      throw new CliError(exitCodes.failed, `the document of ${document.slug} states no price; apply one with it first`);
    const question = {
      model: document.slug,
      fromUnixMs: BigInt(options.since),
      toUnixMs: BigInt(options.until ?? 0),
      price: priceToWire(price),
      hours: priceHours.map(priceHoursToWire),
      author: authorName(),
    };
    return ask(
      bus,
      subjects.telemetry('reprice'),
      [wire.RepriceRequestSchema, question],
      wire.RepriceResponseSchema,
      repriceTimeoutMs,
    );
  });
  if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
  if (options.json) printJson(terminal, answer);
  else
    terminal.out(
      `${answer.changed} of ${answer.examined} calls repriced; together ${dollars(answer.addedNanoUsd)} more than before\n`,
    );
  return exitCodes.success;
}
