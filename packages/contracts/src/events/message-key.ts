import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { toBinary } from '../binary.ts';

const keys = new WeakMap<object, string>();

/** A text that is equal for equal messages. Senders state one object for one price, so each is encoded once. */
export function messageKey<S extends DescMessage>(schema: S, message: MessageShape<S>): string {
  const key = keys.get(message) ?? Buffer.from(toBinary(schema, message)).toString('latin1');
  keys.set(message, key);
  return key;
}
