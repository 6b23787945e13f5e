import { toBinary } from '@bufbuild/protobuf';
import type { Bus, Serving } from '@will/bus';
import { create, isInbox, queues, readMessage, subjects, wire } from '@will/contracts';
import type { TaskStore } from '@will/store';
import type { TasksSnapshots } from '../ports.ts';
import { tasksNaming } from '../tasks-naming.ts';

/** Answers the registry, which asks before it removes a document. Every request is answered, also one that fails. */
export const serveNaming = (
  bus: Bus,
  store: TaskStore,
  snapshots: TasksSnapshots,
  onError: (what: string, error: unknown) => void,
): Serving =>
  bus.serve(subjects.tasksNaming, queues.tasks, async ({ data, reply }) => {
    if (!isInbox(reply)) return undefined;
    const answer = async (): Promise<wire.TasksNamingResponse> => {
      const request = readMessage(wire.TasksNamingRequestSchema, data);
      return create(wire.TasksNamingResponseSchema, {
        naming: [...(await tasksNaming(store, snapshots.current, request))],
      });
    };
    const answered = await answer().catch((error: unknown) => {
      onError('counting tasks that name a document', error);
      return create(wire.TasksNamingResponseSchema, { error: (error as Error).message });
    });
    return toBinary(wire.TasksNamingResponseSchema, answered);
  });
