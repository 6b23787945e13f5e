import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maxFileBytes, writeDocument, writeDocuments } from '@will/contracts';
import type { AnyDocument } from '@will/core';
import { documentOf, documentsOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { kindOfWord, wordOfKind } from '../kinds.ts';
import type { Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { count } from './apply.ts';

/** `willm export`: the documents in force as YAML that apply takes and that changes nothing. */
export async function exportDocuments(
  terminal: Terminal,
  target: string,
  options: { readonly kind?: string },
): Promise<ExitCode> {
  const kind = options.kind === undefined ? '' : (kindOfWord(options.kind) ?? '');
  const found = await withBus(terminal, (bus) => documentsOf(bus, kind, ''));
  const documents = found.map(documentOf);
  if (documents.length === 0) throw new CliError(exitCodes.failed, 'there are no documents to export');
  if (target === '-') print(terminal, documents);
  else await write(terminal, documents, target);
  return exitCodes.success;
}

function print(terminal: Terminal, documents: readonly AnyDocument[]): void {
  const text = writeDocuments(documents);
  terminal.content(text);
  if (Buffer.byteLength(text) > maxFileBytes)
    terminal.err(`warning: more than the ${maxFileBytes} bytes that apply takes of one file; export to a folder\n`);
}

/** A file for each document, so that they can be kept and compared one by one. */
async function write(terminal: Terminal, documents: readonly AnyDocument[], folder: string): Promise<void> {
  try {
    for (const kind of new Set(documents.map((document) => document.kind)))
      await mkdir(join(folder, wordOfKind(kind)), { recursive: true });
    const written = new Set<string>();
    for (const document of documents) {
      const path = join(folder, wordOfKind(document.kind), `${document.body.slug}.yaml`);
      await writeFile(path, writeDocument(document));
      written.add(path);
    }
    terminal.err(`${count(written.size, 'document')} in ${folder}\n`);
    for (const path of await othersIn(folder, written))
      terminal.err(`warning: ${path} is not from this export; apply would take it too\n`);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new CliError(exitCodes.usage, `${folder} cannot be written (${code})`, { cause });
  }
}

/** YAML and JSON files of the folder that were there before: documents that were removed meanwhile, for one. */
async function othersIn(folder: string, written: ReadonlySet<string>): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/i.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !written.has(path))
    .sort();
}
