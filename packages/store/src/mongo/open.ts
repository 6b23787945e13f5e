export { openMongoCallLog } from './calls.ts';
export type { MongoPlace } from './connect.ts';
export { openMongoDocumentStore } from './documents.ts';
export { openMongoTaskStore } from './tasks.ts';
