import { MongoServerError } from 'mongodb';
import type { MongoSchema } from './connect.ts';
import { makeSealIndexes } from './seals.ts';

/** What calls are filtered by stands in the indexes too, so that a filter which fits few calls fetches no others. */
const filterIndexes = [
  { narrow: 'startedAtMs_-1', wide: { startedAtMs: -1, taskType: 1, outcome: 1 } },
  { narrow: 'client_1_startedAtMs_-1', wide: { client: 1, startedAtMs: -1, model: 1, outcome: 1, taskType: 1 } },
  { narrow: 'model_1_startedAtMs_-1', wide: { model: 1, startedAtMs: -1, outcome: 1, taskType: 1, client: 1 } },
] as const;

/** Repeating a migration meets an index that is gone already. */
function ignoreMissingIndex(error: unknown): void {
  const indexNotFound = 27;
  if (!(error instanceof MongoServerError) || error.code !== indexNotFound) throw error;
}

/** Steps that make and change the collections of the call log. */
export const callSchema: MongoSchema = {
  kind: 'calls',
  migrations: [
    async (database) => {
      const calls = database.collection('calls');
      await calls.createIndex({ startedAtMs: -1 });
      await calls.createIndex({ client: 1, startedAtMs: -1 });
      await calls.createIndex({ model: 1, startedAtMs: -1 });
      await calls.createIndex({ taskId: 1 });
      await calls.createIndex({ decisionId: 1 });
      await database.collection('intents').createIndex({ deadlineMs: 1 });
      await database.collection('decisions').createIndex({ taskId: 1, atMs: -1 });
      await database.collection('decisions').createIndex({ atMs: -1 });
      await database.collection('rollups').createIndex({ rollup: 1, spanMs: 1, startMs: 1 });
    },
    async (database) => {
      await database.collection('contents').createIndex({ untilMs: 1 });
      await database.collection('contents').createIndex({ client: 1 });
    },
    makeSealIndexes,
    async (database) => {
      const calls = database.collection('calls');
      for (const { narrow, wide } of filterIndexes) {
        await calls.createIndex(wide);
        await calls.dropIndex(narrow).catch(ignoreMissingIndex);
      }
    },
    async (database) => {
      await database.collection('calls').createIndex({ outcome: 1, startedAtMs: -1 });
    },
  ],
};
