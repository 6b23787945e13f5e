import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFor, tinyWhisper, toneWav } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOf, providerContract, reasonOf, runCall } from '../contract.ts';
import { MemoryBudget } from '../memory-budget.ts';
import type { ModelConnection } from '../port.ts';
import { whisper } from './index.ts';
import { readWav } from './wav.ts';

// The model has random weights: that it is loaded, computes, streams, ends and gives up is real, its words are noise.

const folder = await mkdtemp(join(tmpdir(), 'will-whisper-'));
await writeFile(join(folder, 'tiny.bin'), tinyWhisper());
afterAll(() => rm(folder, { recursive: true, force: true }));

const provider = whisper({ dataDir: folder, threads: 1, budget: new MemoryBudget() });
const tiny = modelFor({
  provider: 'whisper',
  call_method: 'on-device',
  tags: ['transcription'],
  local: { path: 'tiny.bin', device: 'cpu' },
});
const recording = (audio: Buffer, more: object = {}): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ audio: audio.toString('base64'), file_name: 'a.wav', ...more }));
const english = { language: 'en', temperature: 0 };
/** Long enough to be heard in several pieces. */
const long = recording(toneWav(16), english);

providerContract('whisper', () => ({
  open: () => provider.open(tiny),
  close: async () => {},
  keepsMaximum: false,
  call: { inputKind: 'transcription', input: long },
  longCall: { input: recording(toneWav(120), english) },
  countsInput: false,
}));

let connection: ModelConnection;
beforeAll(async () => {
  connection = await provider.open(tiny);
});
afterAll(() => connection.close());

const hear = (audio: Buffer, more: object = {}) =>
  runCall(connection, callOf({ inputKind: 'transcription', input: recording(audio, { ...english, ...more }) }));

test('a recording is heard, and the same one again as the same', async () => {
  const [one, two] = [await hear(toneWav(2)), await hear(toneWav(2))];
  expect(one.text).toMatch(/^w\d+/);
  expect(two.text).toBe(one.text);
});

test('times come in the form that is asked for', async () => {
  const outputOf = async (format: string): Promise<string> => {
    const { outcome } = await hear(toneWav(2), { format });
    return (outcome.ok && outcome.output?.text) || '';
  };
  expect(await outputOf('srt')).toMatch(/^1\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\nw\d+/);
  expect(await outputOf('vtt')).toMatch(/^WEBVTT\n\n\d\d:\d\d:\d\d\.\d{3} --> /);
  expect(JSON.parse(await outputOf('verbose_json'))).toMatchObject({
    task: 'transcribe',
    language: 'en',
    duration: 2,
    segments: [{ id: 0, text: expect.stringContaining('w') }],
  });
});

test.each([
  ['no WAV', Buffer.from('hello, I am no sound at all, and long enough to be looked at')],
  ['a WAV that ends before its sound', toneWav(1).subarray(0, 44)],
  ['one that is compressed', Buffer.from(toneWav(1)).fill(85, 20, 21)],
  ['one of no channels', Buffer.from(toneWav(1)).fill(0, 22, 24)],
])('%s is Invalid', async (_what, audio) => {
  expect(reasonOf(await hear(audio))).toBe('bad_request');
});

test('another rate and more channels become what the model hears', () => {
  const heard = readWav(toneWav(1, 48_000));
  const same = readWav(toneWav(1)) as Int16Array;
  expect(heard).toHaveLength(16_000);
  expect(readWav(toneWav(1, 8_000))).toHaveLength(16_000);
  // A slow tone is the same at every rate, but for the edges where it changes.
  const far = same.filter((value, n) => Math.abs(value - ((heard as Int16Array)[n] ?? 0)) > 1_500).length;
  expect(far).toBeLessThan(160);
});

test.each([
  ['no model', Buffer.from('GGUF and a good deal more that is of no use to anybody here'), 'is no Whisper model'],
  ['sizes of no model', Buffer.concat([Buffer.from('lmgg'), Buffer.alloc(60, 0x7f)]), 'sizes that no model has'],
  ['a model that is cut short', tinyWhisper().subarray(0, 700_000), 'cannot be loaded|crashed'],
])('%s is refused with a clear error', async (_what, content, message) => {
  await writeFile(join(folder, 'other.bin'), content);
  const opening = provider.open(modelFor({ ...tiny.document, local: { path: 'other.bin', device: 'cpu' } }));
  await expect(opening).rejects.toThrow(new RegExp(message));
});
