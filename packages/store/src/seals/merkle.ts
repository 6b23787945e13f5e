import { createHash } from 'node:crypto';

// Merkle trees as RFC 9162 makes them: leaves and nodes are hashed with different first bytes.

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** SHA-256 of a leaf. */
export const leafDigest = (text: string): Buffer => createHash('sha256').update(leafPrefix).update(text).digest();

/** The root over the digests of leaves, in their order. Of no leaves: SHA-256 of nothing. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] ?? createHash('sha256').digest();
}

/** The path from one leaf to the root: the digest beside it on each level, from below. */
export function merklePath(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  const path: Buffer[] = [];
  for (let level = leaves, at = index; level.length > 1; level = levelAbove(level), at = at >> 1) {
    const beside = level[at ^ 1];
    if (beside) path.push(beside);
  }
  return path;
}

/** Pairs from the left; a last one without a partner goes up as it is. */
function levelAbove(level: readonly Buffer[]): readonly Buffer[] {
  const above: Buffer[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at] as Buffer, level[at + 1]];
    above.push(right ? createHash('sha256').update(nodePrefix).update(left).update(right).digest() : left);
  }
  return above;
}
