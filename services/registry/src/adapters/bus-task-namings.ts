import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus } from '@will/bus';
import { create, subjects, wire } from '@will/contracts';
import type { NamedDocuments, TaskNamings } from '../ports.ts';

/** A change waits so long for the service of durable tasks. */
const timeoutMs = 5_000;

/** Asks the service of durable tasks which tasks name documents. A failure is an answer: then nobody knows. */
export const busTaskNamings =
  (bus: Bus) =>
  async ({ clients, projects, models }: NamedDocuments): Promise<TaskNamings> => {
    const request = create(wire.TasksNamingRequestSchema, {
      clients: [...clients],
      projects: [...projects],
      models: [...models],
    });
    try {
      const bytes = toBinary(wire.TasksNamingRequestSchema, request);
      const answer = await bus.request(subjects.tasksNaming, bytes, timeoutMs);
      const { naming, error } = fromBinary(wire.TasksNamingResponseSchema, answer);
      return error === '' ? { naming } : { unknown: error };
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      return { unknown: error.code === 'no_responders' ? 'no tasks service runs that knows' : error.message };
    }
  };
