import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import { callOperations, callSchema } from './calls.ts';
import { openDatabase, type OpenDatabase, type Schema } from './database.ts';
import { documentOperations, documentSchema } from './documents.ts';
import { storeErrorOf } from './failures.ts';
import type { StoreAnswer, Failure, FromThread, Request, StoreKind, ThreadSettings, ToThread } from './protocol.ts';
import { taskOperations, taskSchema } from './tasks.ts';

// node:sqlite is synchronous. Here it blocks nobody but its own queue.

type Operations = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

interface Backend {
  readonly schema: Schema;
  readonly operations: (database: DatabaseSync) => object;
}

const backends: Record<StoreKind, Backend> = {
  documents: { schema: documentSchema, operations: documentOperations },
  calls: { schema: callSchema, operations: callOperations },
  tasks: { schema: taskSchema, operations: taskOperations },
};

const port = parentPort as MessagePort;
const { kind, path } = workerData as ThreadSettings;

try {
  serve(openDatabase(path, backends[kind].schema));
} catch (error) {
  post({ kind: 'not_opened', failure: failureOf(error) });
}

function serve(opened: OpenDatabase): void {
  const operations = backends[kind].operations(opened.database) as Operations;
  port.on('message', (message: ToThread) => {
    if (message.kind === 'requests') {
      post({ kind: 'answers', answers: answerAll(opened.database, operations, message.requests) });
    } else {
      opened.close();
      port.close();
    }
  });
  post({ kind: 'opened' });
}

/** One transaction for all that waited: one wait for the disk instead of many. */
function answerAll(
  database: DatabaseSync,
  operations: Operations,
  requests: readonly Request[],
): readonly StoreAnswer[] {
  try {
    database.exec('BEGIN');
    const answers = requests.map((request) => answer(database, operations, request));
    database.exec('COMMIT');
    return answers;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    const failure = failureOf(error);
    return requests.map(({ id }) => ({ id, ok: false, failure }));
  }
}

/** @throws when the whole transaction is gone, as after a full disk. */
function answer(database: DatabaseSync, operations: Operations, { id, operation, args }: Request): StoreAnswer {
  database.exec('SAVEPOINT request');
  try {
    const value = operations[operation]?.(...args);
    database.exec('RELEASE request');
    return { id, ok: true, value };
  } catch (error) {
    if (!database.isTransaction) throw error;
    database.exec('ROLLBACK TO request; RELEASE request');
    return { id, ok: false, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): Failure {
  const { code, message } = storeErrorOf(error, path);
  return { code, message };
}

function post(message: FromThread): void {
  port.postMessage(message);
}
