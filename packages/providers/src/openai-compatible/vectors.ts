import { vectorsToBytes } from '@will/core';
import type { ContentDelta } from '../port.ts';

/** Vectors as content; undefined: they are not so many, or not all numbers and of one length. */
export function vectorsContent(vectors: readonly unknown[], count: number): ContentDelta | undefined {
  const dimensions = Array.isArray(vectors[0]) ? vectors[0].length : 0;
  if (vectors.length !== count || dimensions === 0) return undefined;
  if (!Array.from(vectors).every((vector) => isVector(vector, dimensions))) return undefined;
  return {
    text: JSON.stringify({ count, dimensions }),
    data: vectorsToBytes(vectors as number[][]),
    dataType: 'application/x-float32',
  };
}

const isVector = (vector: unknown, dimensions: number): boolean =>
  Array.isArray(vector) && vector.length === dimensions && vector.every(Number.isFinite);
