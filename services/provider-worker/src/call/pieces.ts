import { sizes } from '@will/contracts';
import type { ContentDelta } from '@will/providers';

/** Characters of text in one piece: at most three bytes each, as UTF-8. */
const pieceChars = Math.floor(sizes.pieceBytes / 3);

/** A whole output in pieces that each fit a message; one piece where it fits as it is. */
export function piecesOf(output: ContentDelta): readonly ContentDelta[] {
  const { text = '', refusal = '', reasoning = '', data } = output;
  if (text.length + refusal.length + reasoning.length <= pieceChars && (data?.length ?? 0) <= sizes.pieceBytes)
    return [output];
  const { toolCalls, dataType } = output;
  return [
    ...cutText(reasoning).map((piece) => ({ reasoning: piece })),
    ...cutText(text).map((piece) => ({ text: piece })),
    ...cutText(refusal).map((piece) => ({ refusal: piece })),
    ...(toolCalls === undefined ? [] : [{ toolCalls }]),
    ...cutBytes(data).map((piece) => ({ data: piece, ...(dataType !== undefined && { dataType }) })),
  ];
}

function cutText(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + pieceChars);
    // A character of two halves stays whole: each piece is made UTF-8 by itself.
    if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end -= 1;
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

const cutBytes = (data: Uint8Array | undefined): Uint8Array[] =>
  Array.from({ length: Math.ceil((data?.length ?? 0) / sizes.pieceBytes) }, (_, n) =>
    (data as Uint8Array).subarray(n * sizes.pieceBytes, (n + 1) * sizes.pieceBytes),
  );
