import type { CallLog } from '../call-log.ts';
import type { DocumentStore } from '../documents.ts';
import type { TaskStore } from '../tasks.ts';
import { writtenOf, type CallOperations } from './calls.ts';
import type { DocumentOperations } from './documents.ts';
import { StoreThread } from './store-thread.ts';
import type { TaskOperations } from './tasks.ts';

// One file per owning service; its folder is made. Each throws {StoreError}: 'locked' when another instance has the file.

/** Opens the documents in a SQLite file. @throws {StoreError} it is locked or damaged. */
export async function openDocumentStore(path: string): Promise<DocumentStore> {
  const thread = await StoreThread.open<DocumentOperations>('documents', path);
  const incarnation = await thread.call('incarnation');
  return {
    incarnation,
    current: () => thread.call('current'),
    tombstones: () => thread.call('tombstones'),
    at: (revision) => thread.call('at', revision),
    history: (kind, slug) => thread.call('history', kind, slug),
    revisions: (limit, before) => thread.call('revisions', limit, before),
    commit: (change) => thread.call('commit', change),
    unpublished: () => thread.call('unpublished'),
    markPublished: (revision) => thread.call('markPublished', revision),
    close: () => thread.close(),
  };
}

/** Opens the call log in a SQLite file. @throws {StoreError} it is locked or damaged. */
export async function openCallLog(path: string): Promise<CallLog> {
  const thread = await StoreThread.open<CallOperations>('calls', path);
  return {
    ingest: (events) => thread.call('ingest', writtenOf(events)),
    calls: (filter, limit) => thread.call('calls', filter, limit),
    decision: (by) => thread.call('decision', by),
    recentFacts: (sinceMs, maxDecisions, maxSets) => thread.call('recentFacts', sinceMs, maxDecisions, maxSets),
    reprice: (of, limit, after) => thread.call('reprice', of, limit, after),
    usage: (question) => thread.call('usage', question),
    openIntents: (beforeMs, limit) => thread.call('openIntents', beforeMs, limit),
    keepContent: (content) => thread.call('keepContent', content),
    content: (attemptId) => thread.call('content', attemptId),
    dropContent: (untilMs) => thread.call('dropContent', untilMs),
    size: () => thread.call('size'),
    startOfOldest: (count) => thread.call('startOfOldest', count),
    prune: (beforeMs, limit) => thread.call('prune', beforeMs, limit),
    pruneSums: (beforeMs) => thread.call('pruneSums', beforeMs),
    erase: (client, limit) => thread.call('erase', client, limit),
    unsealed: (beforeMs, limit) => thread.call('unsealed', beforeMs, limit),
    basisOf: (decisionIds) => thread.call('basisOf', decisionIds),
    addSeal: (seal) => thread.call('addSeal', seal),
    lastSeal: () => thread.call('lastSeal'),
    sealsAfter: (number, fromMs, toMs, limit) => thread.call('sealsAfter', number, fromMs, toMs, limit),
    leavesOf: (number) => thread.call('leavesOf', number),
    sealedGroup: (number, key) => thread.call('sealedGroup', number, key),
    unconfirmedSeals: (limit) => thread.call('unconfirmedSeals', limit),
    confirmSeal: (number) => thread.call('confirmSeal', number),
    expireSeals: (beforeMs) => thread.call('expireSeals', beforeMs),
    close: () => thread.close(),
  };
}

/** Opens the tasks in a SQLite file. @throws {StoreError} it is locked or damaged. */
export async function openTaskStore(path: string): Promise<TaskStore> {
  const thread = await StoreThread.open<TaskOperations>('tasks', path);
  return {
    insert: (task) => thread.call('insert', task),
    get: (client, taskId) => thread.call('get', client, taskId),
    claim: (client, taskId) => thread.call('claim', client, taskId),
    finish: (ending) => thread.call('finish', ending),
    requeue: (client, taskId, atMs, deadlineMs) => thread.call('requeue', client, taskId, atMs, deadlineMs),
    list: (filter, limit) => thread.call('list', filter, limit),
    messaged: (client, taskId, atMs, idlePickups = 0, waitsFor) =>
      thread.call('messaged', client, taskId, atMs, idlePickups, waitsFor),
    withoutMessageSince: (sinceMs, limit) => thread.call('withoutMessageSince', sinceMs, limit),
    unfinished: () => thread.call('unfinished'),
    published: (client, taskId) => thread.call('published', client, taskId),
    unpublished: (endedBeforeMs, limit) => thread.call('unpublished', endedBeforeMs, limit),
    dropContent: (endedBeforeMs, limit) => thread.call('dropContent', endedBeforeMs, limit),
    drop: (endedBeforeMs, limit) => thread.call('drop', endedBeforeMs, limit),
    erase: (client, limit) => thread.call('erase', client, limit),
    close: () => thread.close(),
  };
}
