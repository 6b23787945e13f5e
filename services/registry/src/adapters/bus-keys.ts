import { type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { Bus, Serving } from '@will/bus';
import { create, type KeyOperation, queues, readMessage, subjects, wire } from '@will/contracts';
import { KeyError, type Keys } from '../keys.ts';

/** Told of what was changed, for the audit log. */
export type OnKeyChange = (action: 'key.created' | 'key.revoked', author: string, key: wire.Key) => Promise<void>;

export interface KeysApi {
  readonly bus: Bus;
  readonly keys: Keys;
  readonly onChange: OnKeyChange;
  readonly onError: (what: string, error: unknown) => void;
}

/** Serves keys on the bus. Every request is answered, also one that cannot be read. */
export function serveKeys({ bus, keys, onChange, onError }: KeysApi): Serving {
  const serve = <Q extends DescMessage, A extends DescMessage>(
    operation: KeyOperation,
    question: Q,
    answer: A,
    work: (asked: MessageShape<Q>) => Promise<MessageInitShape<A>>,
  ): Serving =>
    bus.serve(subjects.keys(operation), queues.registry, async ({ data }) =>
      toBinary(answer, create(answer, await answered(() => work(readMessage(question, data))))),
    );
  const answered = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      return refused(error) as T;
    }
  };
  const refused = (error: unknown): { readonly error: string } => {
    if (!(error instanceof KeyError)) onError('keys', error);
    return { error: (error as Error).message };
  };
  const servings = [
    serve('create', wire.CreateKeyRequestSchema, wire.CreateKeyResponseSchema, async ({ key, author }) => {
      const created = await keys.create(key);
      await onChange('key.created', author, created);
      return { key: created };
    }),
    serve('list', wire.ListKeysRequestSchema, wire.ListKeysResponseSchema, async () => ({
      keys: [...(await keys.list())],
    })),
    serve('revoke', wire.RevokeKeyRequestSchema, wire.RevokeKeyResponseSchema, async ({ id, author }) => {
      const revoked = await keys.revoke(id);
      await onChange('key.revoked', author, revoked);
      return { key: revoked };
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}
