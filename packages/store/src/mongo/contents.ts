import type { Collection, Db } from 'mongodb';
import type { KeptContent } from '../call-log.ts';
import { insertNew } from './bulk.ts';
import { commandLimitMs } from './connect.ts';

type ContentDocument = Omit<KeptContent, 'attemptId'> & { readonly _id: string };

/** Content of calls, of clients that switch that on. */
export class MongoContents {
  readonly #contents: Collection<ContentDocument>;

  constructor(database: Db) {
    this.#contents = database.collection('contents');
  }

  keep({ attemptId: _id, ...content }: KeptContent): Promise<void> {
    return insertNew(this.#contents, [{ _id, ...content }]);
  }

  async find(attemptId: string): Promise<KeptContent | undefined> {
    const found = await this.#contents.findOne({ _id: attemptId }, { maxTimeMS: commandLimitMs });
    if (!found) return undefined;
    const { _id, ...content } = found;
    return { attemptId: _id, ...content };
  }

  async drop(untilMs: number): Promise<number> {
    return (await this.#contents.deleteMany({ untilMs: { $lte: untilMs } })).deletedCount;
  }

  async erase(client: string): Promise<void> {
    await this.#contents.deleteMany({ client });
  }
}
