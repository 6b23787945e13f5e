import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';

/** For tests: the address of a database of its own, and how to drop it. */
export function newDatabase(serverUri: string): { readonly uri: string; remove(): Promise<void> } {
  const address = new URL(serverUri);
  address.pathname = `/will_test_${randomUUID().slice(0, 13)}`;
  const uri = address.href;
  return {
    uri,
    async remove() {
      const client = await MongoClient.connect(uri);
      await client.db().dropDatabase();
      await client.close();
    },
  };
}
