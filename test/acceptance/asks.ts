import type { Question, TaskError, TaskRequest, TaskResult } from '@will/client';
import type { wire } from '@will/contracts';
import { callsOf as recordsOf } from '../support/ask.ts';
import { type ModelFields, modelDocument } from '../support/documents.ts';
import type { World } from './world.ts';

/** A model at the upstream, and whatever else its document says. */
export const upstreamModel = (world: World, fields: ModelFields, ...more: readonly string[]): string =>
  [modelDocument({ callMethod: 'API', endpoint: `${world.upstream.url}/v1`, ...fields }), ...more].join('\n');

/** Runs a task over the bus. @throws {TaskError} */
export const run = (world: World, type: string, more: Partial<TaskRequest> = {}): Promise<TaskResult> =>
  world.tasks.run({ type, input: 'Hello', timeoutMs: 30_000, ...more });

/** Slug of the model that answers a task over the bus, or the code of its failure. */
export const answerer = (world: World, type: string, more: Partial<TaskRequest> = {}): Promise<string> =>
  run(world, type, more).then(
    ({ model }) => model,
    ({ code }: TaskError) => code,
  );

type Asked = Omit<Question, 'type'>;

/** Model → the first rule by which it is left out. */
export async function rulesOf(world: World, type: string, asked: Asked = {}): Promise<Record<string, string>> {
  const { set } = await world.tasks.explain({ type, ...asked });
  return Object.fromEntries(set.exclusions.toReversed().map(({ model, rule }) => [model, rule]));
}

/** Who may do a task, best first. */
export const candidatesOf = async (world: World, type: string, asked: Asked = {}): Promise<string[]> =>
  (await world.tasks.explain({ type, ...asked })).set.candidates.map(({ model }) => model);

/** Records of a task, once there are at least so many: they travel in batches. */
export const callsOf = async (world: World, taskId: string, atLeast = 1): Promise<wire.CallRecord[]> =>
  world.product.names.read(await recordsOf(world, { taskId }, atLeast));

/** A call record as far as `willm logs --json` is looked at. */
export interface LoggedCall {
  readonly taskId: string;
  readonly outcome: string;
}

/** The document of a model, by `willm get`. */
export const documentOf = (world: World, model: string): Promise<unknown> => world.willmJson('get', 'models', model);
