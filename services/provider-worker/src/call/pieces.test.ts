import { sizes } from '@will/contracts';
import { expect, test } from 'vitest';
import { piecesOf } from './pieces.ts';

test('what fits a message stays as it is', () => {
  const output = { text: 'short', toolCalls: '[]', data: new Uint8Array(sizes.pieceBytes), dataType: 'audio/mpeg' };
  expect(piecesOf(output)).toEqual([output]);
});

test('data that does not fit comes in pieces that make it up again', () => {
  const data = Buffer.alloc(2 * sizes.pieceBytes + 5, 7);
  const pieces = piecesOf({ text: 'beside', data, dataType: 'audio/mpeg' });
  expect(pieces.every((piece) => (piece.data?.length ?? 0) <= sizes.pieceBytes)).toBe(true);
  expect(pieces.map(({ text = '' }) => text).join('')).toBe('beside');
  expect(Buffer.concat(pieces.map((piece) => piece.data ?? new Uint8Array(0))).equals(data)).toBe(true);
});

test('text is cut between characters, and no piece is larger than a message as UTF-8', () => {
  const text = '😀'.repeat(400_001);
  const pieces = piecesOf({ text, reasoning: 'why' });
  expect(pieces.map((piece) => piece.text ?? '').join('')).toBe(text);
  expect(pieces.every((piece) => Buffer.byteLength(piece.text ?? '') <= sizes.pieceBytes)).toBe(true);
  expect(pieces.every((piece) => !(piece.text ?? '').includes('\ufffd') && (piece.text ?? '').isWellFormed())).toBe(
    true,
  );
});
