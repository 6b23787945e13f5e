import { validateDocuments } from '@will/contracts';
import { stringify } from 'yaml';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { importLitellm } from '../litellm/import-litellm.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { count, problemInWords, readDocuments } from './apply.ts';

/**
 * `willm import litellm`: documents on stdout, and on stderr every field that stands in none of them. Needs no bus.
 * With `strict` an entry that became no document makes the exit code 2.
 */
export async function importFrom(
  terminal: Terminal,
  path: string,
  options: { readonly json?: boolean; readonly strict?: boolean },
): Promise<ExitCode> {
  const [file] = await readDocuments(terminal, path);
  if (!file) throw new CliError(exitCodes.usage, `${path} is no file of settings`);
  const { documents, unmapped, leftOut } = read(terminal, file.text, path);
  const text = documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
  const { problems } = validateDocuments([{ path: 'imported', text }]);
  if (options.json) printJson(terminal, { documents, unmapped, leftOut, problems });
  else {
    terminal.content(text);
    for (const { path: where, why } of unmapped) terminal.err(`not mapped: ${where}: ${why}\n`);
    for (const problem of problems) terminal.err(`${problemInWords(problem)}\n`);
    for (const { path: where, why } of leftOut) terminal.err(`left out: ${where}: ${why}\n`);
    terminal.err(
      `${count(documents.length, 'model')}, ${count(unmapped.length, 'field')} not mapped, ${leftOut.length} left out\n`,
    );
  }
  if (options.strict && leftOut.length > 0) return exitCodes.usage;
  return problems.length > 0 ? exitCodes.failed : exitCodes.success;
}

function read(terminal: Terminal, text: string, path: string): ReturnType<typeof importLitellm> {
  try {
    return importLitellm(text, terminal.env);
  } catch (cause) {
    throw new CliError(exitCodes.usage, `${path} is no YAML of LiteLLM settings`, { cause });
  }
}
