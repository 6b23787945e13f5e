const idBytes = 16;
const pool = new Uint8Array(idBytes * 256);
let used = pool.length;
let prefixAtMs = 0;
let prefix = '';

/**
 * A new id for a task, attempt or decision: when it was made, in milliseconds to base 36 (8 characters until 2059), and
 * 128 random bits in base64url (22 characters). Ids of one time are neighbours in every index, so that a store writes a
 * few pages for all of them instead of one for each. Never begins with `-`, so that a command line cannot take it for
 * an option.
 */
export function newId(): string {
  // Asking the system for many ids' bits at once costs hardly more than for one's.
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += idBytes;
  return timeNow() + Buffer.from(pool.buffer, used - idBytes, idBytes).toString('base64url');
}

function timeNow(): string {
  const nowMs = Date.now();
  if (nowMs !== prefixAtMs) {
    prefixAtMs = nowMs;
    prefix = Math.max(0, nowMs).toString(36).padStart(8, '0');
  }
  return prefix;
}
