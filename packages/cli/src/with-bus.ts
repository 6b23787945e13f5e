import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, BusError, connectBus } from '@will/bus';
import { newId } from '@will/contracts';
import { type BusAddress, findBus } from './bus-address.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** Does something with a connection to the bus and closes it. @throws {CliError} 3 when no bus answers. */
export async function withBus<T>(terminal: Terminal, use: (bus: Bus) => Promise<T>, inboxScope = 'cli'): Promise<T> {
  const address = findBus(terminal.env);
  const bus = await open(address, inboxScope);
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

async function open({ url, from, seedFile, tls }: BusAddress, inboxScope: string): Promise<Bus> {
  try {
    return await connectBus({ servers: url, seedFile, tls, processId: `cli-${newId()}`, inboxScope });
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    throw new CliError(
      exitCodes.unreachable,
      `${cause.message} (from ${from}); run \`npm start\`, or set NATS_URL to where it runs`,
      { cause },
    );
  }
}

/**
 * Asks a service one question. @throws {CliError} 3 when nobody serves it, 1 when no answer came.
 */
export async function ask<Question extends DescMessage, Answer extends DescMessage>(
  bus: Bus,
  subject: string,
  [questionSchema, question]: readonly [Question, MessageInitShape<Question>],
  answerSchema: Answer,
  timeoutMs = 5_000,
): Promise<MessageShape<Answer>> {
  try {
    const bytes = toBinary(questionSchema, create(questionSchema, question));
    return fromBinary(answerSchema, await bus.request(subject, bytes, timeoutMs));
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    const service = subject.split('.')[2] ?? subject;
    if (cause.code === 'no_responders')
      throw new CliError(exitCodes.unreachable, `the bus answers, but no ${service} runs on it; run \`npm start\``, {
        cause,
      });
    throw new CliError(cause.code === 'disconnected' ? exitCodes.unreachable : exitCodes.failed, cause.message, {
      cause,
    });
  }
}
