/** A closed list of the ways in which a store fails. */
export type StoreErrorCode = 'conflict' | 'not_found' | 'locked' | 'corrupt' | 'unavailable' | 'full';

/** A failure of a store; branch on `code`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
