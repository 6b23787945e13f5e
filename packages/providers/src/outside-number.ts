/**
 * A count that somebody outside states. A fraction is rounded up, numeric text is read.
 * @returns undefined: unknown. It is no number, negative, not finite, or larger than `max`, and is never clamped.
 */
export function outsideCount(value: unknown, max: number): number | undefined {
  const stated = typeof value === 'string' && /^\s*\d{1,20}(\.\d{1,20})?\s*$/.test(value) ? Number(value) : value;
  if (typeof stated !== 'number' || !(stated >= 0 && stated <= max)) return undefined;
  return Math.ceil(stated) + 0;
}
