/** Thrown by a check that this product cannot be asked. */
export class NotPossibleHere extends Error {
  override readonly name = 'NotPossibleHere';
}
