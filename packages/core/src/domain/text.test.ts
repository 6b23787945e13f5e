import { expect, test } from 'vitest';
import { cloudEndpointOf } from './cloud-endpoints.ts';
import { isPublicOrInline } from './content-url.ts';
import { nameKey, slugOf, slugPattern } from './names.ts';
import { nearestNames } from './nearest.ts';
import { escapedJson, printable } from './printable.ts';
import { quote } from './quote.ts';
import { mergeToolCalls } from './tool-calls.ts';

test('names that look like a mistyped one are told, nearest first, three at most', () => {
  const known = ['GPT-4', 'GPT-3.5', 'Claude 3', 'Gemini', 'gpt-4o', 'GPT-4.1'];
  expect(nearestNames('gtp-4', known)).toEqual(['GPT-4']);
  expect(nearestNames('GPT', known)).toEqual(['GPT-3.5', 'GPT-4', 'GPT-4.1']);
  expect(nearestNames('GPT', known, 1)).toEqual(['GPT-3.5']);
  expect(nearestNames('gpt-4-turbo', known)).toEqual(['gpt-4o']);
  expect(nearestNames('gpt-4-turb', known)).toEqual(['GPT-4', 'GPT-4.1', 'gpt-4o']);
  expect(nearestNames('mistral', known)).toEqual([]);
  expect(nearestNames('ab', ['ba', 'cd', 'abcdefgh', 'xyz'])).toEqual(['abcdefgh', 'ba', 'cd']);
  expect(nearestNames('kitten', ['sitting', 'mitten', 'kitchen'])).toEqual(['mitten', 'kitchen', 'sitting']);
  expect(nearestNames('abcd', ['wxyz', 'abyz', 'ayyz'])).toEqual(['abyz']);
  expect(nearestNames('x'.repeat(70), ['x'.repeat(64)])).toEqual(['x'.repeat(64)]);
});

test('what steers a terminal is taken out of text and escaped in JSON; line breaks and tabs stay', () => {
  const text = 'a\u0000\u0008b\t\n\u000b\u001b[1mc\u007f\u009fd\u061c\u200e\u200f\u202a\u202ee\u2066\u2069\u00a0é';
  expect(printable(text)).toBe('ab\t\n[1mcde\u00a0é');
  expect(escapedJson('"\u001b\u202e\u0000x"')).toBe(String.raw`"\u001b\u202e\u0000x"`);
  expect(JSON.parse(escapedJson('"\u202e"'))).toBe('\u202e');
});

test('a value is shown in quotes, cut to eighty characters', () => {
  expect(quote('a"b\n')).toBe(String.raw`"a\"b\n"`);
  expect(quote('x'.repeat(80))).toBe(`"${'x'.repeat(80)}"`);
  expect(quote('x'.repeat(81))).toBe(`"${'x'.repeat(80)}…"`);
});

test.each([
  ['data:image/png;base64,AAAA', true],
  ['data:image/svg+xml;BASE64,AAAA', true],
  ['data:image/png,AAAA', false],
  ['data:;base64,AAAA', false],
  ['xdata:image/png;base64,AAAA', false],
  ['https://example.com/a.png', true],
  ['https://sub.example.com./a', true],
  ['https://a-b.c1', true],
  ['http://example.com/a.png', false],
  ['https://example', false],
  ['https://10.0.0.1/a', false],
  ['https://[::1]/a', false],
  ['https://a.localhost/a', false],
  ['https://a.internal', false],
  ['https://db.corp./x', false],
  ['https://printer.lan', false],
  ['https://nas.home', false],
  ['https://mdns.local', false],
  ['https://internal.example.com', true],
  ['https://mylocal.io', true],
  ['https://user@example.com', false],
  ['https://:pass@example.com', false],
  ['nowhere', false],
])('content at %s may be given to a model: %s', (address, may) => {
  expect(isPublicOrInline(address)).toBe(may);
});

test('only providers with an address in the cloud have one', () => {
  expect(cloudEndpointOf('openai')).toBe('https://api.openai.com/v1');
  expect([cloudEndpointOf('gguf'), cloudEndpointOf('toString')]).toEqual([undefined, undefined]);
});

test('two names with one key are one name', () => {
  for (const [name, key] of [
    ['gpt-4', 'gpt-4'],
    ['  GPT  4 ', 'gpt 4'],
    ['G\u200bPT', 'gpt'],
    ['ＧＰＴ', 'gpt'],
    ['STRASSE', 'strasse'],
    ['straße', 'strasse'],
    ['ΣΊΣΥΦΟΣ', nameKey('σίσυφος')],
    ['\u200b\u00ad', ''],
    ['a\n\tb', 'a b'],
  ] as const)
    expect([name, nameKey(name)]).toEqual([name, key]);
});

test('a slug is made of a name; one that ASCII cannot spell gets a hash of the whole name', () => {
  expect(['GPT-3.5', 'local:LLaMA', 'Acme Legal', '--a--', '_a_', '!!!', 'x'.repeat(70)].map(slugOf)).toEqual([
    'gpt-3-5',
    'local-llama',
    'acme-legal',
    'a',
    'a_',
    '',
    'x'.repeat(64),
  ]);
  expect(slugOf('Müller')).toMatch(/^m-ller-[0-9a-f]{8}$/);
  expect(slugOf('Müller')).not.toBe(slugOf('Møller'));
  expect(slugOf('MÜLLER')).toBe(slugOf('müller'));
  expect(slugOf('名前')).toMatch(/^[0-9a-f]{8}$/);
  expect(slugOf('é'.padEnd(80, 'x'))).toHaveLength(64);
  expect(slugOf('é'.padEnd(80, 'x'))).toMatch(/^x{55}-[0-9a-f]{8}$/);
  for (const name of ['Müller', '名前', 'é'.padEnd(80, 'x')]) expect(slugOf(name)).toMatch(slugPattern);
  expect([slugOf('Zürich'), slugOf('Åse 1')]).toEqual(['z-rich-0870fa1d', 'se-1-01d27507']);
});

test('a tool call is whole out of its pieces: the first names it, later ones add to its arguments', () => {
  const pieces = [
    [{ index: 1, id: 'b', type: 'function', function: { name: 'now', arguments: '' } }],
    [{ index: 0, id: 'a', function: { name: 'look', arguments: '{"at"' }, extra_content: { kept: 1 } }],
    [
      { index: 0, id: 'x', function: { arguments: ':1}' } },
      { index: 1, type: 'custom', function: { arguments: '{}' } },
    ],
  ].map((piece) => JSON.stringify(piece));
  expect(JSON.parse(mergeToolCalls(pieces))).toEqual([
    { id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":1}' }, extra_content: { kept: 1 } },
    { id: 'b', type: 'custom', function: { name: 'now', arguments: '{}' } },
  ]);
  expect(mergeToolCalls([])).toBe('');
  expect(JSON.parse(mergeToolCalls(['[{}]']))).toEqual([
    { id: '', type: 'function', function: { name: '', arguments: '' } },
  ]);
});

test('names are near by how few letters differ, up to half of them and two at least', () => {
  expect(nearestNames('abcdef', ['abcxyz', 'abwxyz'])).toEqual(['abcxyz']);
  expect(nearestNames('ab', ['xyab12345', 'cd', 'abcde', 'zz9zz'])).toEqual(['abcde', 'xyab12345', 'cd']);
  expect(nearestNames('abcdefgh', ['cd', 'abcd', 'efghabcd'])).toEqual(['abcd']);
  expect(nearestNames('ABC', ['abd', 'Abc', 'xabcx'])).toEqual(['Abc', 'abd', 'xabcx']);
  expect(nearestNames('a', ['b', 'c', 'd', 'e'], 2)).toEqual(['b', 'c']);
  expect(nearestNames('', ['x'])).toEqual(['x']);
  // Sixty-four characters are compared.
  const long = `${'a'.repeat(64)}${'b'.repeat(39)}`;
  expect(nearestNames(long, [`${'a'.repeat(64)}${'c'.repeat(80)}`, 'b'.repeat(39)])).toHaveLength(1);
});

test('a callback’s own failure, a tool call without an index and an empty piece break nothing', () => {
  const merged = (...pieces: readonly object[][]) =>
    JSON.parse(mergeToolCalls(pieces.map((piece) => JSON.stringify(piece)))) as unknown;
  expect(
    merged([{ id: 'a', function: { name: 'f' } }], [{ id: 'b', function: { name: 'g', arguments: 'x' } }]),
  ).toEqual([{ id: 'a', type: 'function', function: { name: 'fg', arguments: 'x' } }]);
  expect(merged([])).toEqual([]);
  expect(merged([{ extra_content: { a: 1 } }], [{ extra_content: { b: 2 } }], [{ function: {} }])).toEqual([
    { id: '', type: 'function', function: { name: '', arguments: '' }, extra_content: { b: 2 } },
  ]);
});
