import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { Incoming } from '@will/bus';
import { isInbox, readMessage, sizes } from '@will/contracts';
import { QuestionError } from '../service.ts';

/** Makes handlers of queries: whatever cannot be answered gets an error that says why. */
export const answeringBy =
  (onError: (what: string, error: unknown) => void) =>
  <Schema extends DescMessage>(
    schema: Schema,
    answer: (message: Incoming) => Promise<MessageShape<Schema>>,
    refusal: (error: string) => MessageShape<Schema>,
  ) =>
  async (message: Incoming): Promise<Uint8Array | undefined> => {
    // Otherwise the answer could be written to any subject that this service may publish to.
    if (!isInbox(message.reply)) return undefined;
    try {
      return fitting(toBinary(schema, await answer(message)));
    } catch (error) {
      if (!(error instanceof QuestionError)) onError(`answering ${message.subject}`, error);
      return toBinary(schema, refusal(error instanceof QuestionError ? error.message : 'the call log is unavailable'));
    }
  };

/** @throws {QuestionError} */
export function readAs<Schema extends DescMessage>(schema: Schema, { data }: Incoming): MessageShape<Schema> {
  try {
    return readMessage(schema, data);
  } catch (cause) {
    throw new QuestionError(`${data.length} bytes are no ${schema.name}`, { cause });
  }
}

function fitting(answer: Uint8Array): Uint8Array {
  if (answer.length > sizes.messageBytes) {
    const size = `the answer of ${answer.length} bytes exceeds the ${sizes.messageBytes} of a message`;
    throw new QuestionError(`${size}; ask for fewer calls or groups`);
  }
  return answer;
}
