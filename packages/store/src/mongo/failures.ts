import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import { StoreError, type StoreErrorCode } from '../errors.ts';

const duplicateKey = 11_000;

/** Server codes that mean something to a caller. */
const codes: Readonly<Record<number, StoreErrorCode>> = { [duplicateKey]: 'conflict', 14_031: 'full' };

/** Wraps an error of the driver once. A StoreError passes as it is. The address may hold a password and is not told. */
export function storeErrorOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof MongoServerError ? codes[Number(error.code)] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError(code ?? 'unavailable', `MongoDB: ${message}`, { cause: error });
}

/** Wraps the errors of an operation. @throws {StoreError} */
export async function wrapped<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw storeErrorOf(error);
  }
}

/** True of an error that says that the key stands already. */
export const isDuplicate = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === duplicateKey;

/**
 * The places, in a bulk of writes, of those that met a document with the same key.
 * @throws {unknown} the error itself, where anything else went wrong too.
 */
export function duplicatesIn(error: unknown): readonly number[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failed = [error.writeErrors].flat();
  const isOther = error.result.getWriteConcernError() !== undefined || failed.some(({ code }) => code !== duplicateKey);
  if (failed.length === 0 || isOther) throw error;
  return failed.map(({ index }) => index);
}
