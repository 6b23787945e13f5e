import { validateDocuments } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { count, problemInWords, readDocuments } from './apply.ts';

/** `willm validate`: whether files are right and fit together. Needs no bus, so the files must be whole in themselves. */
export async function validate(
  terminal: Terminal,
  paths: readonly string[],
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const files = (await Promise.all(paths.map((path) => readDocuments(terminal, path)))).flat();
  if (files.length === 0) throw new CliError(exitCodes.usage, `no document is in ${paths.join(', ')}`);
  const { documents, problems } = validateDocuments(files);
  if (options.json) printJson(terminal, { files: files.length, documents, problems });
  else {
    for (const problem of problems) terminal.err(`${problemInWords(problem)}\n`);
    if (problems.length > 0) terminal.err(`willm: ${count(problems.length, 'problem')}\n`);
    else terminal.out(`${count(documents, 'document')} in ${count(files.length, 'file')}, no problem\n`);
  }
  return problems.length > 0 ? exitCodes.failed : exitCodes.success;
}
