import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TaskRequest } from '@will/client';
import { sizes } from '@will/contracts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** Sources of a task's input, beside its text. */
export interface InputOptions {
  /** A file whose text takes the place of the argument. */
  readonly file?: string;
  /** Images to show beside the text. */
  readonly image?: readonly string[];
  /** A recording, for a transcription. */
  readonly audio?: string;
}

export type GivenInput = Pick<TaskRequest, 'input' | 'inputKind' | 'inputModalities'>;

/** A task's input from its text, files and standard input. @throws {CliError} 2: none, two at once, or an unreadable file. */
export async function readInput(
  terminal: Terminal,
  type: string,
  text: string | undefined,
  { file, image = [], audio }: InputOptions,
): Promise<GivenInput> {
  if (audio !== undefined && (image.length > 0 || file !== undefined))
    throw new CliError(exitCodes.usage, '--audio goes with neither --image nor --file');
  if (text !== undefined && file !== undefined)
    throw new CliError(exitCodes.usage, 'give the text either as an argument or with --file');
  if (audio !== undefined) return recording(audio, await bytesOf(audio), text);
  const said = file === undefined ? await argument(terminal, text) : (await bytesOf(file)).toString();
  if (image.length > 0) return withImages(said, await Promise.all(image.map(dataUrlOf)));
  if (said.trim() === '')
    throw new CliError(exitCodes.usage, 'the text is empty; give some, "-" to read it from stdin, or --file');
  return type === 'embedding' ? { input: json({ input: [said] }), inputKind: 'embedding' } : { input: said };
}

const argument = async (terminal: Terminal, text: string | undefined): Promise<string> =>
  text === '-' ? terminal.readInput() : (text ?? '');

const recording = (path: string, bytes: Buffer, prompt: string | undefined): GivenInput => ({
  input: json({
    audio: bytes.toString('base64'),
    file_name: basename(path),
    ...(prompt !== undefined && { prompt }),
  }),
  inputKind: 'transcription',
});

const withImages = (text: string, urls: readonly string[]): GivenInput => ({
  input: {
    messages: [
      {
        role: 'user',
        content: [
          ...(text.trim() === '' ? [] : [{ type: 'text', text }]),
          ...urls.map((url) => ({ type: 'image_url', image_url: { url } })),
        ],
      },
    ],
  },
  inputModalities: ['text', 'image'],
});

/** Formats by what their bytes begin with, so that a wrong ending does no harm. */
const imageFormats: readonly (readonly [type: string, begins: RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF.{4}WEBP/s],
];

async function dataUrlOf(path: string): Promise<string> {
  const bytes = await bytesOf(path);
  const head = bytes.subarray(0, 12).toString('latin1');
  const found = imageFormats.find(([, begins]) => begins.test(head));
  if (!found) throw new CliError(exitCodes.usage, `${path} must be a PNG, JPEG, GIF or WebP image`);
  return `data:${found[0]};base64,${bytes.toString('base64')}`;
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > sizes.bodyBytes)
      throw new CliError(exitCodes.usage, `${path} of ${size} bytes exceeds the ${sizes.bodyBytes} of an input file`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new CliError(exitCodes.usage, `${path} cannot be read (${code})`, { cause });
  }
}

const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
