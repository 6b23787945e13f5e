import type { DatabaseSync } from 'node:sqlite';

/** Overwrites in the file what is removed meanwhile: it is not only unlinked. */
export function overwriting<T>(database: DatabaseSync, remove: () => T): T {
  database.exec('PRAGMA secure_delete = ON');
  try {
    return remove();
  } finally {
    database.exec('PRAGMA secure_delete = OFF');
  }
}
