import type { DatabaseSync } from 'node:sqlite';

/** What is removed meanwhile is overwritten in the file, not only unlinked. */
export function overwriting<T>(database: DatabaseSync, remove: () => T): T {
  database.exec('PRAGMA secure_delete = ON');
  try {
    return remove();
  } finally {
    database.exec('PRAGMA secure_delete = OFF');
  }
}
