import { toBinary } from '@bufbuild/protobuf';
import type { AuditWords, Bus, Serving } from '@will/bus';
import { create, queues, readMessage, subjects, wire } from '@will/contracts';
import type { Tasks } from '../service.ts';

/** Erases the durable tasks of clients for operators. `noted` is told of each erasure, for the audit log. */
export const serveErase = (
  bus: Bus,
  tasks: Pick<Tasks, 'erase'>,
  noted: (words: AuditWords) => void,
  onError: (what: string, error: unknown) => void,
): Serving =>
  bus.serve(subjects.tasksErase, queues.tasks, async ({ data }) => {
    const erase = async (): Promise<wire.EraseClientResponse> => {
      const { client, author } = readMessage(wire.EraseClientRequestSchema, data);
      const gone = await tasks.erase(client);
      const detail = `${gone.tasks} tasks, ${gone.cancelled} of them cancelled`;
      noted({ actor: author || 'unknown', action: 'tasks.erased', object: client, detail });
      return create(wire.EraseClientResponseSchema, {
        tasks: BigInt(gone.tasks),
        cancelledTasks: BigInt(gone.cancelled),
      });
    };
    const answer = await erase().catch((error: Error) => {
      onError('erasing durable tasks', error);
      return create(wire.EraseClientResponseSchema, { error: error.message });
    });
    return toBinary(wire.EraseClientResponseSchema, answer);
  });
