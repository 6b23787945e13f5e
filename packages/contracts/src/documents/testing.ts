import type { z } from 'zod';

/** What a field makes of a value; its message where it refuses it. */
export function read(field: z.ZodType, value: unknown): unknown {
  const { success, data, error } = field.safeParse(value);
  return success ? data : `refused: ${error.issues.map(({ message }) => message).join('; ')}`;
}

export const long = (length: number): string => 'x'.repeat(length);
