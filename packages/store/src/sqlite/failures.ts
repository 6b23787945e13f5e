import { StoreError, type StoreErrorCode } from '../errors.ts';

/** SQLite's primary result codes that mean something to a caller. */
const codes: Readonly<Record<number, StoreErrorCode>> = {
  5: 'locked',
  6: 'locked',
  11: 'corrupt',
  13: 'full',
  19: 'conflict',
  26: 'corrupt',
};

/** Wraps an error of node:sqlite once; the cause keeps its text. A StoreError passes as it is. */
export function storeErrorOf(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const primary = sqliteCode(error) & 0xff;
  const code = codes[primary] ?? 'unavailable';
  return new StoreError(code, `${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

const sqliteCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
