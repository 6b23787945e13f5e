import {
  type DurableWire,
  type Explanation,
  type Question,
  type StreamPart,
  type TaskClient,
  TaskError,
  type TaskOwner,
  type TaskRequest,
} from '@will/client';
import { create, dataClassFromWire, dataClassToWire, unavailableModelFromWire, wire } from '@will/contracts';
import { type DataClass, projectNotTheirs, type Snapshot, strictestOf, type UnavailableModel } from '@will/core';
import type { CallerPayloads, Queries, Backends } from '../../ports.ts';
import { type Identity, identity } from './identity.ts';
import { OwnNames } from './own-names.ts';
import { WrappedBackends } from './wrapped-backends.ts';

/**
 * Backends of servers that require keys. Whatever a route does, it does through here, and here every task and
 * question is bound to the key's client, projects, task types and data class. Without an identity nothing is done.
 */
export class GuardedBackends extends WrappedBackends {
  constructor(open: Backends) {
    const own = new Own(() => open.snapshot);
    super(open, {
      client: (client) => guardedClient(client, own),
      queries: (queries) => guardedQueries(queries, own),
      // Content is put away as it comes in, where nobody knows any more whose request it is: so it is looked at here.
      payloads: (payloads) => guardedPayloads(payloads, own, identity()),
    });
  }
}

const guardedClient = (client: TaskClient, own: Own): TaskClient => ({
  run: async (request) => client.run(own.task(request, request.taskId)),
  stream: (request) => client.stream(own.task(request, request.taskId)),
  start: async (request: TaskRequest, stream: boolean, onPart: (part: StreamPart) => void) =>
    client.start(own.task(request, request.taskId), stream, onPart),
  explain: async (question: Question): Promise<Explanation> =>
    client.explain(mustBeSomebody().role === 'caller' ? own.task(question) : question),
  submit: async (submission) => client.submit(own.task(submission, submission.taskId)),
  task: async (taskId, options) => client.task(taskId, own.options(options, taskId)),
  result: async (taskId, options) => client.result(taskId, own.options(options, taskId)),
  cancelTask: async (taskId, options) => client.cancelTask(taskId, own.options(options, taskId)),
  events: (taskId, options) => client.events(taskId, own.options(options, taskId)),
  requeueTask: async (taskId, options) => client.requeueTask(taskId, own.options(options, taskId)),
  tasks: async (filter) => client.tasks(own.options(filter)),
  close: () => client.close(),
});

/** What is put away is the key's client's, as the task will be that names it. */
const guardedPayloads = (payloads: CallerPayloads, own: Own, who: Identity | undefined): CallerPayloads => ({
  put: async ({ client }, content, field) => {
    if (!who) throw nobody('');
    own.mustBe(who, client);
    return payloads.put({ client: who.client }, content, field);
  },
  get: (ref, signal) => payloads.get(ref, signal),
  remove: (ref) => payloads.remove(ref),
});

const guardedDurable = (durable: DurableWire, own: Own): DurableWire => ({
  submit: async (client, request) => durable.submit(...ownSubmission(own, client, request)),
  get: async (client, request) => durable.get(...ownRequest(own, client, request)),
  cancel: async (client, request) => durable.cancel(...ownRequest(own, client, request)),
  list: async (client, request) => durable.list(...ownRequest(own, client, request)),
  requeue: async (client, request) => durable.requeue(...ownRequest(own, client, request)),
});

/** A request about tasks that are there, bound to the key's client and projects. @throws {TaskError} 'forbidden' */
function ownRequest<Request extends { readonly projects: string[] }>(
  own: Own,
  said: string,
  request: Request,
): [string, Request] {
  const { client, projects } = own.options({ client: said, projects: request.projects });
  return [client, { ...request, projects: [...projects] }];
}

function ownSubmission(own: Own, client: string, request: wire.SubmitRequest): [string, wire.SubmitRequest] {
  const { task } = request;
  const stated = dataClassFromWire(task?.dataClass ?? 0);
  const unavailableModel = unavailableModelFromWire(task?.unavailableModel ?? '');
  const bounded = own.task<Bindable>({
    type: task?.type ?? '',
    client,
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(task && task.project !== '' && { project: task.project }),
    ...(stated !== undefined && { dataClass: stated }),
  });
  const { client: name = '', project = '', dataClass } = bounded;
  if (!task) return [name, request];
  const bounds = { project, dataClass: dataClassToWire(dataClass), unavailableModel: bounded.unavailableModel ?? '' };
  return [name, { ...request, task: { ...task, ...bounds } }];
}

interface Bindable {
  readonly type: string;
  readonly client?: string;
  readonly project?: string;
  readonly dataClass?: DataClass;
  readonly unavailableModel?: UnavailableModel;
}

/** What is a key's own, by whatever name it is said. What is not there and what is another client's are told alike. */
class Own {
  readonly #snapshot: () => Snapshot | undefined;

  constructor(snapshot: () => Snapshot | undefined) {
    this.#snapshot = snapshot;
  }

  /** The key's client, and the slug of a project that it may name. @throws {TaskError} 'forbidden' */
  caller({ client, project }: Pick<Bindable, 'client' | 'project'>, taskId = ''): Pick<Bindable, 'client' | 'project'> {
    const who = mustBeSomebody(taskId);
    this.mustBe(who, client, taskId);
    const own = this.#project(who, project, taskId);
    return { client: who.client, ...(own !== undefined && { project: own }) };
  }

  /** A task as the key allows it. @throws {TaskError} 'forbidden' */
  task<T extends Bindable>(task: T, taskId = ''): T {
    const who = mustBeSomebody(taskId);
    const caller = this.caller(task, taskId);
    const { taskTypes } = who;
    if (taskTypes.length > 0 && !taskTypes.includes(task.type))
      throw forbidden(who, `task type ${quote(task.type)} must be one of this key's: ${taskTypes.join(', ')}`, taskId);
    const dataClass =
      who.dataClass && task.dataClass ? strictestOf(who.dataClass, task.dataClass) : (who.dataClass ?? task.dataClass);
    const unavailableModel = task.unavailableModel ?? who.unavailableModel;
    return {
      ...task,
      ...caller,
      ...(unavailableModel !== undefined && { unavailableModel }),
      ...(dataClass !== undefined && { dataClass }),
    };
  }

  /** Of the key's client and projects, whatever was asked. @throws {TaskError} 'forbidden' when others were named */
  options<T extends TaskOwner>(options: T | undefined, taskId = ''): T & Required<TaskOwner> {
    const who = mustBeSomebody(taskId);
    this.mustBe(who, options?.client, taskId);
    return { ...(options as T), client: who.client, projects: this.projects(who, options?.projects, taskId) };
  }

  /** Those that were named, else all that the key may see; empty: any. @throws {TaskError} 'forbidden' */
  projects(who: Identity, said: readonly string[] = [], taskId = ''): readonly string[] {
    const foreign = who.projects.length > 0 ? said.find((project) => !who.projects.includes(project)) : undefined;
    if (foreign !== undefined)
      throw forbidden(who, `project ${quote(foreign)} must be one of this key's: ${who.projects.join(', ')}`, taskId);
    return said.length > 0 ? said : who.projects;
  }

  /** Who names a client names the own one, also where that is `default`. '': none was named. @throws {TaskError} */
  mustBe(who: Identity, said = '', taskId = ''): void {
    if (said === '') return;
    if (this.#names(who, taskId).isSelf(said)) return;
    throw forbidden(who, `client ${quote(said)} is not this key's, ${who.client}`, taskId);
  }

  /** A key without projects may ask for calls of any, also of one that was removed. @throws {TaskError} 'forbidden' */
  projectOfCalls(who: Identity, said = ''): string {
    if (who.projects.length === 0) return said;
    return this.#project(who, said === '' ? undefined : said, '') ?? '';
  }

  #project(who: Identity, said: string | undefined, taskId: string): string | undefined {
    const { projects } = who;
    // A key of one project needs no naming of it.
    if (said === undefined && projects.length <= 1) return projects[0];
    const names = this.#names(who, taskId);
    const project = said === undefined ? undefined : names.project(said);
    if (projects.length > 0 && !projects.includes(project ?? ''))
      throw forbidden(who, `project ${quote(said ?? '')} must be one of this key's: ${projects.join(', ')}`, taskId);
    if (said !== undefined && project === undefined) throw forbidden(who, projectNotTheirs(said), taskId);
    return project;
  }

  #names({ client }: Identity, taskId: string): OwnNames {
    const snapshot = this.#snapshot();
    if (snapshot) return new OwnNames(snapshot, client);
    throw new TaskError('unavailable', 'no documents are published yet', { taskId, isRetryable: true });
  }
}

function mustBeSomebody(taskId = ''): Identity {
  const who = identity();
  if (who) return who;
  throw nobody(taskId);
}

const nobody = (taskId: string): TaskError => new TaskError('forbidden', 'nobody was let in by a key', { taskId });

function forbidden(who: Identity, message: string, taskId: string): TaskError {
  who.refused(message);
  return new TaskError('forbidden', message, { taskId });
}

const quote = (name: string): string => JSON.stringify(name.slice(0, 64));

/** Callers see what is theirs; what is another's they are told of as of what is not there. */
const guardedQueries = (queries: Queries, own: Own): Queries => ({
  durable: guardedDurable(queries.durable, own),
  async explain(request) {
    const who = mustBeSomebody();
    const { facts } = request;
    if (!facts || who.role !== 'caller') return queries.explain(request);
    const stated = dataClassFromWire(facts.dataClass ?? 0);
    const said = unavailableModelFromWire(facts.unavailableModel ?? '');
    const { client, project, dataClass, unavailableModel } = own.task<Bindable>({
      type: facts.taskType ?? '',
      ...(said !== undefined && { unavailableModel: said }),
      ...(facts.client !== undefined && { client: facts.client }),
      ...(stated !== undefined && { dataClass: stated }),
      ...(facts.project !== undefined && facts.project !== '' && { project: facts.project }),
    });
    return queries.explain({
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
    return queries.documents(request);
  },
  async registryStatus() {
    mustNotBeCaller();
    return queries.registryStatus();
  },
  async calls(request) {
    const who = mustBeSomebody();
    if (who.role !== 'caller') return queries.calls(request);
    own.mustBe(who, request.client);
    return queries.calls({ ...request, client: who.client, project: own.projectOfCalls(who, request.project) });
  },
  async usage(request) {
    const who = mustBeSomebody();
    if (who.role !== 'caller') return queries.usage(request);
    own.mustBe(who, request.client);
    if (who.projects.length > 0) throw forbidden(who, noSumsOfProjects, '');
    return queries.usage({ ...request, client: who.client });
  },
  async feedback(request) {
    const who = mustBeSomebody();
    own.mustBe(who, request.client);
    const { taskId = '' } = request;
    if (who.projects.length > 0 && !(await isOfProjects(queries, who, taskId)))
      return create(wire.FeedbackResponseSchema, { error: noAnswerOf(taskId) });
    return queries.feedback({ ...request, client: who.client });
  },
  async decision(request) {
    const who = mustBeSomebody();
    const answer = await queries.decision(request);
    const { client = '' } = answer.decision ?? {};
    const isSeen = who.role !== 'caller' || (client === who.client && isVisible(who, answer.set?.facts?.project ?? ''));
    return isSeen ? answer : create(wire.GetDecisionResponseSchema);
  },
});

const noSumsOfProjects = 'sums tell no projects apart, so a key of projects may not read them; it may list calls';

/** As telemetry says it of a task that it does not know. */
const noAnswerOf = (taskId: string): string => `no model is known to have answered task ${quote(taskId)}`;

const isVisible = ({ projects }: Identity, project: string): boolean =>
  projects.length === 0 || projects.includes(project);

/** Whether some call of this task was made for one of the key's projects. */
async function isOfProjects({ calls }: Queries, who: Identity, taskId: string): Promise<boolean> {
  const found = await calls({ client: who.client, taskId, limit: 1 });
  return found.calls.some(({ project }) => isVisible(who, project));
}

function mustNotBeCaller(): void {
  if (mustBeSomebody().role === 'caller')
    throw new TaskError('forbidden', 'a key of role caller may not read documents', { taskId: '' });
}
