import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { readInput } from './task-input.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'willm-input-'));
  await writeFile(at('said.txt'), 'Hello from a file');
  await writeFile(at('picture.jpg'), Buffer.from('\x89PNG and more', 'latin1'));
  await writeFile(at('sound.wav'), 'RIFF');
});
afterAll(() => rm(folder, { recursive: true }));

const read = (type: string, text: string | undefined, options: Parameters<typeof readInput>[3]) =>
  readInput(fakeTerminal({ input: 'from stdin' }), type, text, options);

test('the text is an argument, standard input or a file, and never two of them', async () => {
  expect(await read('text_gen', 'Hello', {})).toEqual({ input: 'Hello' });
  expect(await read('text_gen', '-', {})).toEqual({ input: 'from stdin' });
  expect(await read('text_gen', undefined, { file: at('said.txt') })).toEqual({ input: 'Hello from a file' });
  await expect(read('text_gen', 'Hello', { file: at('said.txt') })).rejects.toMatchObject({ exitCode: 2 });
  await expect(read('text_gen', undefined, {})).rejects.toMatchObject({ exitCode: 2 });
  await expect(read('text_gen', undefined, { file: at('gone') })).rejects.toThrow(/gone cannot be read \(ENOENT\)/);
});

test('an image goes beside the text, by what its bytes are', async () => {
  const { input, inputModalities } = await read('vision', 'What is it?', { image: [at('picture.jpg')] });
  expect(inputModalities).toEqual(['text', 'image']);
  expect(input).toMatchObject({
    messages: [
      {
        content: [
          { type: 'text', text: 'What is it?' },
          { image_url: { url: expect.stringMatching(/^data:image\/png;base64,/) } },
        ],
      },
    ],
  });
  await expect(read('vision', 'x', { image: [at('said.txt')] })).rejects.toThrow(/must be a PNG, JPEG, GIF or WebP/);
});

test('a recording is a transcription, and texts of embeddings are their input', async () => {
  const sound = await read('transcription', undefined, { audio: at('sound.wav') });
  expect([sound.inputKind, JSON.parse(Buffer.from(sound.input as Uint8Array).toString())]).toEqual([
    'transcription',
    { audio: Buffer.from('RIFF').toString('base64'), file_name: 'sound.wav' },
  ]);
  const embedded = await read('embedding', 'a', {});
  expect([embedded.inputKind, JSON.parse(Buffer.from(embedded.input as Uint8Array).toString())]).toEqual([
    'embedding',
    { input: ['a'] },
  ]);
  await expect(read('ocr', undefined, { audio: at('sound.wav'), image: ['x'] })).rejects.toMatchObject({ exitCode: 2 });
});
