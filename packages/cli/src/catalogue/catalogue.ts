import { readdir, readFile } from 'node:fs/promises';
import { parseDocuments } from '@will/contracts';
import { type ModelDocument, nearestNames } from '@will/core';
import { CliError, exitCodes } from '../cli-error.ts';

/** A model of the catalogue that comes with this release. */
export interface CatalogueEntry {
  /** `<provider>/<what the provider calls it>`: `openai/gpt-5`. */
  readonly name: string;
  readonly document: ModelDocument;
}

const folder = new URL('./', import.meta.url);

/** Every model of the catalogue, by vendor, newest first as its files have them. */
export async function readCatalogue(): Promise<readonly CatalogueEntry[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const entries = await Promise.all(files.map((file) => readEntries(file)));
  return entries.flat();
}

async function readEntries(file: string): Promise<CatalogueEntry[]> {
  const { documents, problems } = parseDocuments(file, await readFile(new URL(file, folder), 'utf8'));
  if (problems[0]) throw new Error(`the catalogue's ${file} cannot be read: ${problems[0].message}`);
  return documents.flatMap(({ document }) =>
    document.kind === 'model' ? [{ name: nameOf(document.body), document: document.body }] : [],
  );
}

const nameOf = ({ provider, provider_model, slug }: ModelDocument): string => `${provider}/${provider_model ?? slug}`;

/** The record of one name. @throws {CliError} there is none; the message says which are near. */
export async function findInCatalogue(name: string): Promise<ModelDocument> {
  const entries = await readCatalogue();
  const found = entries.find((entry) => entry.name === name.toLowerCase());
  if (found) return found.document;
  const near = nearestNames(
    name,
    entries.map((entry) => entry.name),
  );
  const hint = near.length > 0 ? `; near: ${near.join(', ')}` : '';
  throw new CliError(
    exitCodes.failed,
    `${JSON.stringify(name)} is not in the catalogue${hint}; \`willm models catalogue\` lists it`,
  );
}
