import { create } from '@bufbuild/protobuf';
import type { Payloads } from '@will/bus';
import {
  type DurableWire,
  type Explanation,
  type Question,
  type StreamPart,
  type TaskClient,
  TaskError,
  type TaskRequest,
} from '@will/client';
import { dataClassFromWire, dataClassToWire, unavailableModelFromWire, wire } from '@will/contracts';
import { type DataClass, strictestOf, type UnavailableModel } from '@will/core';
import type { Questions, Surroundings } from '../ports.ts';
import { type Identity, identity } from './identity.ts';

/**
 * The surroundings for doors that ask for keys. Whatever a route does, it does through here, and here every task and
 * question is bound to the key's client, projects, task types and data class. Without an identity nothing is done.
 */
export class GuardedSurroundings implements Surroundings {
  readonly #open: Surroundings;
  #client: readonly [TaskClient, TaskClient] | undefined;
  #questions: readonly [Questions, Questions] | undefined;

  constructor(open: Surroundings) {
    this.#open = open;
  }
  get client(): TaskClient | undefined {
    const { client } = this.#open;
    if (!client) return undefined;
    if (this.#client?.[0] !== client) this.#client = [client, guardedClient(client)];
    return this.#client[1];
  }
  get questions(): Questions | undefined {
    const { questions } = this.#open;
    if (!questions) return undefined;
    if (this.#questions?.[0] !== questions) this.#questions = [questions, guardedQuestions(questions)];
    return this.#questions[1];
  }
  get snapshot(): Surroundings['snapshot'] {
    return this.#open.snapshot;
  }
  get fleet(): Surroundings['fleet'] {
    return this.#open.fleet;
  }
  get isBusConnected(): boolean {
    return this.#open.isBusConnected;
  }
  get keys(): Surroundings['keys'] {
    return this.#open.keys;
  }
  get payloads(): Surroundings['payloads'] {
    const { payloads } = this.#open;
    // Content is put away as it comes in, where nobody knows any more whose request it is: so it is looked at here.
    return payloads && guardedPayloads(payloads, identity());
  }
}

const guardedClient = (client: TaskClient): TaskClient => ({
  run: async (request) => client.run(bound(request, request.taskId)),
  stream: (request) => client.stream(bound(request, request.taskId)),
  start: async (request: TaskRequest, stream: boolean, onPart: (part: StreamPart) => void) =>
    client.start(bound(request, request.taskId), stream, onPart),
  explain: async (question: Question): Promise<Explanation> =>
    client.explain(mustBeSomebody().role === 'caller' ? bound(question) : question),
  submit: async (submission) => client.submit(bound(submission, submission.taskId)),
  task: async (taskId, options) => client.task(taskId, ownOf(options, taskId)),
  result: async (taskId, options) => client.result(taskId, ownOf(options, taskId)),
  cancelTask: async (taskId, options) => client.cancelTask(taskId, ownOf(options, taskId)),
  events: (taskId, options) => client.events(taskId, ownOf(options, taskId)),
  requeueTask: async (taskId, options) => client.requeueTask(taskId, ownOf(options, taskId)),
  tasks: async (filter) => client.tasks(ownOf(filter)),
  close: () => client.close(),
});

/** What is put away is the key's client's, as the task will be that names it. */
const guardedPayloads = (payloads: Payloads, who: Identity | undefined): Payloads => ({
  put: async (client, content, field) => {
    if (!who) throw new TaskError('blocked', 'nobody was let in by a key', { taskId: '' });
    mustBeOwn(who, client);
    return payloads.put(who.client, content, field);
  },
  get: (ref, signal) => payloads.get(ref, signal),
  remove: (ref) => payloads.remove(ref),
});

/** Of the key's client, whatever was asked. @throws {TaskError} 'blocked' when another one was named */
function ownOf<T extends { readonly client?: string }>(options: T | undefined, taskId = ''): T & { client: string } {
  const who = mustBeSomebody(taskId);
  mustBeOwn(who, options?.client, taskId);
  return { ...(options as T), client: who.client };
}

const guardedDurable = (durable: DurableWire): DurableWire => ({
  submit: async (client, request) => durable.submit(...boundSubmission(client, request)),
  get: async (client, request) => durable.get(ownOf({ client }).client, request),
  cancel: async (client, request) => durable.cancel(ownOf({ client }).client, request),
  list: async (client, request) => durable.list(ownOf({ client }).client, request),
  requeue: async (client, request) => durable.requeue(ownOf({ client }).client, request),
});

function boundSubmission(client: string, request: wire.SubmitRequest): [string, wire.SubmitRequest] {
  const { task } = request;
  const stated = dataClassFromWire(task?.dataClass ?? 0);
  const unavailableModel = unavailableModelFromWire(task?.unavailableModel ?? '');
  const own = bound<Bindable>({
    type: task?.type ?? '',
    client,
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(task && task.project !== '' && { project: task.project }),
    ...(stated !== undefined && { dataClass: stated }),
  });
  if (!task) return [own.client ?? '', request];
  const bounded = {
    ...task,
    project: own.project ?? '',
    dataClass: dataClassToWire(own.dataClass),
    unavailableModel: own.unavailableModel ?? '',
  };
  return [own.client ?? '', { ...request, task: bounded }];
}

interface Bindable {
  readonly type: string;
  readonly client?: string;
  readonly project?: string;
  readonly dataClass?: DataClass;
  readonly unavailableModel?: UnavailableModel;
}

/** A task as the key allows it. @throws {TaskError} 'blocked' */
function bound<T extends Bindable>(task: T, taskId = ''): T {
  const who = mustBeSomebody(taskId);
  const refuse = (message: string): TaskError => {
    who.refused(message);
    return new TaskError('blocked', message, { taskId });
  };
  mustBeOwn(who, task.client, taskId);
  const { projects, taskTypes } = who;
  // A key of one project needs no naming of it.
  const project = task.project ?? (projects.length === 1 ? projects[0] : undefined);
  if (projects.length > 0 && !projects.includes(project ?? ''))
    throw refuse(`project ${JSON.stringify(project ?? '')} must be one of this key's: ${projects.join(', ')}`);
  if (taskTypes.length > 0 && !taskTypes.includes(task.type))
    throw refuse(`task type ${JSON.stringify(task.type)} must be one of this key's: ${taskTypes.join(', ')}`);
  const dataClass =
    who.dataClass && task.dataClass ? strictestOf(who.dataClass, task.dataClass) : (who.dataClass ?? task.dataClass);
  const unavailableModel = task.unavailableModel ?? who.unavailableModel;
  return {
    ...task,
    client: who.client,
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(project !== undefined && { project }),
    ...(dataClass !== undefined && { dataClass }),
  };
}

function mustBeSomebody(taskId = ''): Identity {
  const who = identity();
  if (who) return who;
  throw new TaskError('blocked', 'nobody was let in by a key', { taskId });
}

/** Who names a client names the own one; `default` is what stands there when none was named. */
function mustBeOwn(who: Identity, client: string | undefined, taskId = ''): void {
  if (client === undefined || client === '' || client === 'default' || client === who.client) return;
  who.refused(`client ${JSON.stringify(client.slice(0, 64))}`);
  throw new TaskError('blocked', `client ${JSON.stringify(client.slice(0, 64))} is not this key's, ${who.client}`, {
    taskId,
  });
}

/** Callers see what is theirs; what is another's they are told of as of what is not there. */
const guardedQuestions = (questions: Questions): Questions => ({
  durable: guardedDurable(questions.durable),
  async explain(request) {
    const who = mustBeSomebody();
    const { facts } = request;
    if (!facts || who.role !== 'caller') return questions.explain(request);
    const stated = dataClassFromWire(facts.dataClass ?? 0);
    const said = unavailableModelFromWire(facts.unavailableModel ?? '');
    const { client, project, dataClass, unavailableModel } = bound<Bindable>({
      type: facts.taskType ?? '',
      ...(said !== undefined && { unavailableModel: said }),
      ...(facts.client !== undefined && { client: facts.client }),
      ...(stated !== undefined && { dataClass: stated }),
      ...(facts.project !== undefined && facts.project !== '' && { project: facts.project }),
    });
    return questions.explain({
      atUnixMs: request.atUnixMs ?? 0n,
      facts: create(wire.FactsSchema, {
        ...facts,
        dataClass: dataClassToWire(dataClass),
        unavailableModel: unavailableModel ?? '',
        client: client ?? who.client,
        ...(project !== undefined && { project }),
      }),
    });
  },
  async documents(request) {
    mustNotBeCaller();
    return questions.documents(request);
  },
  async registryStatus() {
    mustNotBeCaller();
    return questions.registryStatus();
  },
  async calls(request) {
    const who = mustBeSomebody();
    if (who.role !== 'caller') return questions.calls(request);
    mustBeOwn(who, request.client);
    return questions.calls({ ...request, client: who.client });
  },
  async usage(request) {
    const who = mustBeSomebody();
    if (who.role !== 'caller') return questions.usage(request);
    mustBeOwn(who, request.client);
    return questions.usage({ ...request, client: who.client });
  },
  async feedback(request) {
    const who = mustBeSomebody();
    mustBeOwn(who, request.client);
    return questions.feedback({ ...request, client: who.client });
  },
  async decision(request) {
    const who = mustBeSomebody();
    const answer = await questions.decision(request);
    const isSeen = who.role !== 'caller' || answer.decision?.client === who.client;
    return isSeen ? answer : create(wire.GetDecisionResponseSchema);
  },
});

function mustNotBeCaller(): void {
  if (mustBeSomebody().role === 'caller')
    throw new TaskError('blocked', 'a key of role caller may not read documents', { taskId: '' });
}
