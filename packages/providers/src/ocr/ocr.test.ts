import { readFile } from 'node:fs/promises';
import { modelFor } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOf, chatInput, providerContract, reasonOf, runCall } from '../contract.ts';
import { MemoryBudget } from '../memory-budget.ts';
import type { ModelConnection } from '../port.ts';
import { ocr } from './index.ts';

/** Four lines in a serif face, drawn black on white. */
const page = await readFile(new URL('./__fixtures__/page.png', import.meta.url), 'base64');
const pageText = `Invoice 2026-1123 of Acme Legal
Two hours of advice: 480.00 EUR
Please pay within 14 days.
Thank you!
`;
const image = (base64: string) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } });
const withImages = (...parts: object[]): Uint8Array =>
  chatInput({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Read this.' }, ...parts] }] });

const provider = ocr({ dataDir: '.', budget: new MemoryBudget() });
const reader = modelFor({ provider: 'tesseract', call_method: 'on-device', tags: ['ocr'] });

providerContract('tesseract', () => ({
  open: () => provider.open(reader),
  close: async () => {},
  keepsMaximum: false,
  // Two pages, so that there is a middle of the answer.
  call: { input: withImages(image(page), image(page)) },
  countsInput: false,
}));

let connection: ModelConnection;
beforeAll(async () => {
  connection = await provider.open(reader);
});
afterAll(() => connection.close());

test('a rendered page is read exactly, whole and as a stream', async () => {
  const input = withImages(image(page));
  const whole = await runCall(connection, callOf({ input, stream: false }));
  expect(whole.outcome.ok && whole.outcome.output?.text).toBe(pageText);
  const streamed = await runCall(connection, callOf({ input }));
  expect(streamed.text).toBe(pageText);
  expect(streamed.deltas.length).toBe(4);
});

test('several pages are read in their order', async () => {
  const { text } = await runCall(connection, callOf({ input: withImages(image(page), image(page)) }));
  expect(text).toBe(`${pageText}\n${pageText}`);
});

test.each([
  ['no image', withImages()],
  [
    'an address instead of an image',
    withImages({ type: 'image_url', image_url: { url: 'https://one.example/a.png' } }),
  ],
  ['a file of this machine', withImages({ type: 'image_url', image_url: { url: 'file:///etc/passwd' } })],
  ['bytes that are no image', withImages(image(Buffer.from('hello').toString('base64')))],
  ['an image that is cut short', withImages(image(page.slice(0, 400)))],
])('%s is Invalid, and the next page is read', async (_what, input) => {
  expect(reasonOf(await runCall(connection, callOf({ input })))).toBe('bad_request');
  expect((await runCall(connection, callOf({ input: withImages(image(page)) }))).text).toBe(pageText);
});

test('a language without data is told with what would help', async () => {
  const opening = provider.open(modelFor({ ...reader.document, provider_model: 'tlh' }));
  await expect(opening).rejects.toThrow('install @tesseract.js-data/tlh');
  const odd = provider.open(modelFor({ ...reader.document, provider_model: '../../etc' }));
  await expect(odd).rejects.toThrow('must be languages as Tesseract names them');
});
