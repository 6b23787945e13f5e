const idBytes = 16;
const pool = new Uint8Array(idBytes * 256);
let used = pool.length;

/**
 * A new id for a task, attempt or decision: 128 random bits in base64url, 22 characters. It never begins with `-`, so
 * that a command line cannot take it for an option.
 */
export function newId(): string {
  // Asking the system for many ids' bits at once costs hardly more than for one's.
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += idBytes;
  const id = Buffer.from(pool.buffer, used - idBytes, idBytes).toString('base64url');
  return id.startsWith('-') ? newId() : id;
}
