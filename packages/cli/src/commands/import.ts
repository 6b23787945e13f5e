import { validateDocuments } from '@will/contracts';
import { stringify } from 'yaml';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { importLitellm } from '../litellm/import-litellm.ts';
import { printable } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { count, problemInWords, readDocuments } from './apply.ts';

/** `willm import litellm`: documents on stdout, and on stderr every field that stands in none of them. Needs no bus. */
export async function importFrom(
  terminal: Terminal,
  path: string,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const [file] = await readDocuments(terminal, path);
  if (!file) throw new CliError(exitCodes.usage, `${path} is no file of settings`);
  const { documents, unmapped } = read(file.text, path);
  const text = documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
  const { problems } = validateDocuments([{ path: 'imported', text }]);
  if (options.json) printJson(terminal, { documents, unmapped, problems });
  else {
    terminal.out(text);
    for (const { path: where, why } of unmapped) terminal.err(`${printable(`not mapped: ${where}: ${why}`)}\n`);
    for (const problem of problems) terminal.err(`${printable(problemInWords(problem))}\n`);
    terminal.err(`${count(documents.length, 'model')}, ${count(unmapped.length, 'field')} not mapped\n`);
  }
  return problems.length > 0 ? exitCodes.failed : exitCodes.success;
}

function read(text: string, path: string): ReturnType<typeof importLitellm> {
  try {
    return importLitellm(text);
  } catch (cause) {
    throw new CliError(exitCodes.usage, `${path} is no YAML of LiteLLM settings`, { cause });
  }
}
