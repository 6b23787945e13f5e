import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bus } from '@will/bus';
import { priceHoursToWire, priceToWire, subjects, wire, writeDocument } from '@will/contracts';
import { type ModelDocument, type PricesDocument, pricesOf } from '@will/core';
import { bodyOf, documentsOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { changeInWords, isBeyond, priceChanges, type PriceChange } from '../price-changes.ts';
import { dollars, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { working } from '../working.ts';
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

export interface RefreshOptions {
  readonly model?: string;
  readonly dryRun?: boolean;
  /** A rate that becomes so many times dearer or cheaper is left as it is. */
  readonly maxFactor: number;
  /** Takes such changes all the same. */
  readonly yes?: boolean;
  /** Folder that the documents are written to in place of being applied. */
  readonly propose?: string;
  readonly json?: boolean;
}

/** A model's document with the catalogue's prices. */
interface Proposal {
  readonly body: ModelDocument;
  readonly changes: readonly PriceChange[];
}

/**
 * `willm prices refresh`: puts the catalogue's prices into the documents of models that are called by API, as one apply,
 * or writes these documents to a folder. Hours that a document states stay. What the catalogue does not hold, and what
 * becomes much dearer or cheaper, is told and left as it is: then the exit code is not 0.
 */
export async function refreshPrices(terminal: Terminal, options: RefreshOptions, at: Date): Promise<ExitCode> {
  const { cataloguePrices } = await import('../price-catalogue.ts');
  return withBus(terminal, async (bus) => {
    const documents = await documentsOf(bus, 'model', options.model ?? '');
    const found = documents.flatMap((document) =>
      proposed(bodyOf(document) as ModelDocument, cataloguePrices, at, terminal),
    );
    if (found.length === 0) throw new CliError(exitCodes.failed, 'the catalogue holds none of these models');
    const taken = found.filter((proposal) => options.yes || isWithin(proposal, options.maxFactor));
    tell(terminal, found, taken, options);
    const files = taken
      .filter(({ changes }) => changes.length > 0)
      .map(({ body }) => ({ path: `${body.slug}.yaml`, text: writeDocument({ kind: 'model', body }) }));
    const done =
      files.length === 0
        ? exitCodes.success
        : options.propose === undefined
          ? await applyPrices(terminal, bus, files, options)
          : await writeFiles(terminal, files, options.propose);
    return done === exitCodes.success && taken.length < found.length ? exitCodes.failed : done;
  });
}

function proposed(
  model: ModelDocument,
  cataloguePrices: (model: ModelDocument, at: Date) => PricesDocument | string,
  at: Date,
  terminal: Terminal,
): readonly Proposal[] {
  if (model.call_method !== 'API') return [];
  const found = cataloguePrices(model, at);
  if (typeof found === 'string') {
    terminal.err(`${model.slug}: ${found}; left as it is\n`);
    return [];
  }
  const prices = { ...found, ...(model.prices?.hours && { hours: model.prices.hours }) };
  return [{ body: { ...model, prices }, changes: priceChanges(model, prices) }];
}

const isWithin = ({ changes }: Proposal, maxFactor: number): boolean =>
  !changes.some((change) => isBeyond(change, maxFactor));

/** The difference, a line for each rate. */
function tell(
  terminal: Terminal,
  found: readonly Proposal[],
  taken: readonly Proposal[],
  { maxFactor }: RefreshOptions,
): void {
  for (const proposal of found) {
    const { body, changes } = proposal;
    for (const change of changes) terminal.err(`${body.slug}: ${changeInWords(change)}\n`);
    if (!taken.includes(proposal))
      terminal.err(
        `${body.slug}: left as it is, since a price changes by ${maxFactor} times or more, or is unknown now; check it, then take it with --model ${body.slug} --yes\n`,
      );
  }
}

interface DocumentFile {
  readonly path: string;
  readonly text: string;
}

async function writeFiles(terminal: Terminal, files: readonly DocumentFile[], folder: string): Promise<ExitCode> {
  await mkdir(folder, { recursive: true });
  for (const { path, text } of files) await writeFile(join(folder, path), text);
  terminal.err(`${files.length} documents written; \`willm apply -f ${folder}\` applies them\n`);
  return exitCodes.success;
}

async function applyPrices(
  terminal: Terminal,
  bus: Bus,
  files: readonly DocumentFile[],
  options: RefreshOptions,
): Promise<ExitCode> {
  const question = {
    files: [...files],
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
    const request = [wire.RepriceRequestSchema, question] as const;
    return working(terminal, 'charging calls anew', () =>
      ask(bus, subjects.telemetry('reprice'), request, wire.RepriceResponseSchema, repriceTimeoutMs),
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
