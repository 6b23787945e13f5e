/** A new id for a task, attempt or decision: 128 random bits in base64url, 22 characters. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
}
