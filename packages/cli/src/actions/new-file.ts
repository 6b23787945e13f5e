import { open, type FileHandle } from 'node:fs/promises';
import { CliError, exitCodes } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** Takes what a command exports. */
export interface Writer {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** A new file, or stdout where no path is stated. @throws {CliError} the file is there, or cannot be made */
export async function writerTo(terminal: Terminal, path: string | undefined): Promise<Writer> {
  if (path === undefined) return { write: async (text) => terminal.content(text), close: async () => {} };
  const file = await newFile(path);
  return { write: (text) => file.appendFile(text), close: () => file.close() };
}

/** What is there is not overwritten. */
async function newFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliError(exitCodes.failed, `${path} cannot be made (${code ?? 'unknown'})`, { cause });
  }
}
