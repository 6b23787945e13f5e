import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, BusError } from '@will/bus';
import { create, openRefusals, subjects, wire } from '@will/contracts';
import { slugPattern, unknownClient } from '@will/core';
import { TaskError } from './api.ts';
import { codeOfFailure } from './failure.ts';

const withinMs = 2_000;

/**
 * The slug that stands for a client in subjects. What has the form of a slug is taken as one; the registry is asked for
 * any other name. @throws {TaskError} 'unknown_client', 'unavailable'
 */
export async function clientSlug(bus: Bus, said: string): Promise<string> {
  if (slugPattern.test(said)) return said;
  const question = toBinary(
    wire.ResolveRequestSchema,
    create(wire.ResolveRequestSchema, { kind: 'client', name: said.slice(0, 200) }),
  );
  try {
    const answer = await bus.request(subjects.registry('resolve'), question, withinMs);
    const { slug } = fromBinary(wire.ResolveResponseSchema, answer);
    if (slug !== '') return slug;
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    const why = `the registry, which knows whose name ${JSON.stringify(said.slice(0, 80))} is, does not answer`;
    throw new TaskError('unavailable', `${why}; name the client by its slug`, { taskId: '', isRetryable: true, cause });
  }
  const [code, message] = openRefusals(unknownClient(said));
  throw new TaskError(codeOfFailure(code), message, { taskId: '' });
}
