import { describe } from 'vitest';
import { callLogContract } from '../contract/call-log.ts';
import { usageContract } from '../contract/usage.ts';
import { documentStoreContract } from '../contract/documents.ts';
import { taskStoreContract } from '../contract/tasks.ts';
import { newFile } from './new-file.ts';
import { openCallLog, openDocumentStore, openTaskStore } from './open.ts';

const placeOf =
  <Store>(open: (path: string) => Promise<Store>) =>
  async () => {
    const file = await newFile();
    return { open: () => open(file.path), remove: () => file.remove() };
  };

describe('SQLite documents', () => {
  documentStoreContract(placeOf(openDocumentStore));
});
describe('SQLite call log', () => {
  callLogContract(placeOf(openCallLog));
  usageContract(placeOf(openCallLog));
});
describe('SQLite tasks', () => {
  taskStoreContract(placeOf(openTaskStore));
});
