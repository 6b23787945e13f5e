import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTaskInput, type TaskKind, vectorBytes, vectorOf, vectorsToBytes } from './task-kinds.ts';

const good: readonly (readonly [TaskKind, object])[] = [
  ['embedding', { input: ['a'], dimensions: 3 }],
  ['transcription', { audio: 'AAAA', file_name: 'a.wav', language: 'nb', temperature: 0.5 }],
  ['speech', { text: 'a', voice: 'v', format: 'mp3', speed: 1.5 }],
  ['rerank', { query: 'q', documents: ['', 'b'], top_n: 1 }],
  ['image', { prompt: 'p', size: '256x256' }],
];

test.each(good)(
  'an input of kind %s is read as it stands, and refused with a field too many or one too few',
  (kind, input) => {
    expect(readTaskInput(kind, input)).toEqual(input);
    expect(readTaskInput(kind, { ...input, more: 1 })).toBeUndefined();
    const [first = ''] = Object.keys(input);
    expect(readTaskInput(kind, { ...input, [first]: undefined })).toBeUndefined();
    for (const none of [null, 'text', 7, []]) expect(readTaskInput(kind, none)).toBeUndefined();
  },
);

test.each([
  ['embedding', { input: [] }],
  ['embedding', { input: ['a', 1] }],
  ['embedding', { input: ['a'], dimensions: 0 }],
  ['transcription', { audio: 'not base64!', file_name: 'a' }],
  ['speech', { text: 'a', voice: 'v', format: 'midi' }],
  ['speech', { text: 'a', voice: 'v', format: 'mp3', speed: 9 }],
  ['image', { prompt: 'p', size: 'large' }],
] as const)('%s refuses %j', (kind, input) => {
  expect(readTaskInput(kind, input)).toBeUndefined();
});

test('vectors come out of their bytes as they went in, to 32 bits', () => {
  const float = fc.float({ noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(float),
      (size, count, stream) => {
        const vectors = Array.from({ length: count }, () => [...stream.take(size)]);
        expect(vectorBytes(vectorsToBytes(vectors), size).map(vectorOf)).toEqual(vectors);
      },
    ),
  );
});
