import { startMongoServer, type MongoServer } from '@will/testkit';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { callLogContract } from '../contract/call-log.ts';
import { usageContract } from '../contract/usage.ts';
import { documentStoreContract } from '../contract/documents.ts';
import { taskStoreContract } from '../contract/tasks.ts';
import { newDatabase } from './new-database.ts';
import { openMongoCallLog, openMongoDocumentStore, openMongoTaskStore, type MongoPlace } from './open.ts';

// Some servers that speak the protocol take their time.
vi.setConfig({ testTimeout: 180_000 });

let server: MongoServer;
beforeAll(async () => {
  server = await startMongoServer();
});
afterAll(() => server.stop());

/** A database of its own for each test. */
const placeOf =
  <Store>(open: (place: MongoPlace) => Promise<Store>) =>
  async () => {
    const { uri, remove } = newDatabase(server.uri);
    return { open: () => open({ uri }), remove };
  };

describe('MongoDB documents', () => {
  documentStoreContract(placeOf(openMongoDocumentStore));
});
describe('MongoDB call log', () => {
  callLogContract(placeOf(openMongoCallLog));
  usageContract(placeOf(openMongoCallLog));
});
describe('MongoDB tasks', () => {
  taskStoreContract(placeOf(openMongoTaskStore));
});
