import { codeOfFailure, type DurableWire, type TaskClient, TaskError } from '@will/client';
import { create, openRefusals, type Refusals, refusalsOnBus, wire } from '@will/contracts';
import {
  type CallerProblem,
  type NamedKind,
  nearestInWords,
  nearestOf,
  type Resolved,
  resolveCaller,
  type ResolveOptions,
  type Said,
  slugNamed,
  slugPattern,
  type Snapshot,
  unknownClient,
} from '@will/core';
import type { CallerPayloads, Queries, Backends } from '../../ports.ts';
import { identity } from './identity.ts';
import { WrappedBackends } from './wrapped-backends.ts';

/** Rules by which a server resolves its callers. */
export interface NamingOptions extends ResolveOptions {
  readonly refusals: Refusals;
  /** How a client is named: by any of its names, or by its slug alone. */
  readonly clientBy: 'name' | 'slug';
  /** Whether who names an unknown client or project is told names like it. Callers with a key never are. */
  readonly tellsNearest: boolean;
}

/** For HTTP and gRPC without keys, which only this machine reaches: callers say themselves who they are. */
export const openNaming: NamingOptions = {
  refusals: openRefusals,
  clientOfProject: true,
  clientBy: 'name',
  tellsNearest: true,
};

/** For the bus: the subject says who asks, and where the bus has users, their permissions confine it. */
export const busNaming = (seedFile: string | undefined): NamingOptions => ({
  refusals: refusalsOnBus(seedFile),
  clientOfProject: seedFile === undefined,
  // The subject and the inbox carry the slug itself: an alias there would speak in another client's place.
  clientBy: 'slug',
  tellsNearest: false,
});

/**
 * The backends for servers on which callers name clients, projects and reflexes by slug, name or alias. Whatever a
 * route does, it does through here, and here every name becomes the slug of a document or is rejected.
 */
export class NamedBackends extends WrappedBackends {
  constructor(open: Backends, options: NamingOptions) {
    const naming = new Naming(() => open.snapshot, options);
    super(open, {
      client: (client) => namedClient(client, naming),
      queries: (queries) => namedQueries(queries, naming),
      payloads: (payloads) => namedPayloads(payloads, naming),
    });
  }
}

/** Turns what callers say into slugs. */
class Naming {
  readonly #snapshot: () => Snapshot | undefined;
  readonly #options: NamingOptions;

  constructor(snapshot: () => Snapshot | undefined, options: NamingOptions) {
    this.#snapshot = snapshot;
    this.#options = options;
  }

  /** @throws {TaskError} unknown_client, unknown_project, blocked, invalid_task, unavailable */
  caller(said: Said, taskId = ''): Resolved {
    const snapshot = known(this.#snapshot());
    const who = this.#isAlias(snapshot, said.client)
      ? unknownClient(said.client ?? '')
      : resolveCaller(snapshot, said, this.#options);
    if (!('rule' in who)) return who;
    const [code, message] = this.#options.refusals(who);
    throw new TaskError(codeOfFailure(code), `${message}${this.#hint(snapshot, who)}`, { taskId });
  }

  #isAlias(snapshot: Snapshot, client: string | undefined): boolean {
    if (this.#options.clientBy === 'name' || client === undefined) return false;
    return (slugNamed(snapshot, 'client', client) ?? client) !== client;
  }

  /** Of tasks and answers that are there: also of a client that was removed, by the slug it had. */
  pastClient(said = ''): string {
    const slug = this.past('client', said);
    return slug === '' || slugPattern.test(slug) ? slug : this.caller({ client: said }).client;
  }

  past(kind: NamedKind, said = ''): string {
    return slugNamed(known(this.#snapshot()), kind, said) ?? said;
  }

  /** The request with slugs. The reflex stays as it was said: the router tells of one that it ignores. */
  request<T extends Said & { readonly taskId?: string }>(request: T): T {
    const { client, project } = this.caller(request, request.taskId);
    // Most callers say slugs.
    if (client === request.client && project === request.project) return request;
    return { ...request, client, ...(project !== undefined && { project }) };
  }

  #hint(snapshot: Snapshot, { rule, said }: CallerProblem): string {
    if (!this.#options.tellsNearest || said === '' || identity()?.role === 'caller') return '';
    if (rule === 'unknown_client') return nearestInWords(nearestOf(snapshot, 'client', said));
    return rule === 'unknown_project' ? nearestInWords(nearestOf(snapshot, 'project', said)) : '';
  }
}

function known(snapshot: Snapshot | undefined): Snapshot {
  if (snapshot) return snapshot;
  throw new TaskError('unavailable', 'no documents are published yet', {
    taskId: '',
    isRetryable: true,
    retryAfterMs: 1_000,
  });
}

const namedClient = (client: TaskClient, naming: Naming): TaskClient => {
  const ofClient = <T extends { readonly client?: string }>(
    options: T | undefined,
  ): T & { readonly client: string } => ({
    ...(options as T),
    client: naming.caller({ client: options?.client }).client,
  });
  return {
    run: async (request) => client.run(naming.request(request)),
    stream: (request) => client.stream(naming.request(request)),
    start: (request, stream, onPart) => {
      try {
        return client.start(naming.request(request), stream, onPart);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    explain: async (question) => client.explain(naming.request(question)),
    submit: async (submission) => client.submit(naming.request(submission)),
    task: async (taskId, options) => client.task(taskId, ofClient(options)),
    result: async (taskId, options) => client.result(taskId, ofClient(options)),
    cancelTask: async (taskId, options) => client.cancelTask(taskId, ofClient(options)),
    events: (taskId, options) => client.events(taskId, ofClient(options)),
    requeueTask: async (taskId, options) => client.requeueTask(taskId, ofClient(options)),
    tasks: async (filter) => client.tasks(ofClient(filter)),
    close: () => client.close(),
  };
};

const namedPayloads = (payloads: CallerPayloads, naming: Naming): CallerPayloads => ({
  put: async ({ client, project }, content, field) => {
    const who = naming.caller({ client, project });
    return payloads.put({ client: who.client }, content, field);
  },
  get: (ref, signal) => payloads.get(ref, signal),
  remove: (ref) => payloads.remove(ref),
});

const namedDurable = (durable: DurableWire, naming: Naming): DurableWire => {
  const slug = (client: string): string => naming.caller({ client }).client;
  return {
    async submit(client, request) {
      const { task } = request;
      if (!task) return durable.submit(slug(client), request);
      const { project, reflex, taskId } = task;
      const who = naming.caller({ client, project, reflex }, taskId);
      return durable.submit(who.client, { ...request, task: { ...task, project: who.project ?? '' } });
    },
    get: async (client, request) => durable.get(slug(client), request),
    cancel: async (client, request) => durable.cancel(slug(client), request),
    list: async (client, request) => durable.list(slug(client), request),
    requeue: async (client, request) => durable.requeue(slug(client), request),
  };
};

const namedQueries = (queries: Queries, naming: Naming): Queries => ({
  durable: namedDurable(queries.durable, naming),
  async explain({ facts, atUnixMs = 0n }) {
    if (!facts) return queries.explain({ atUnixMs });
    const { client, project = '' } = naming.caller({
      client: facts.client,
      project: facts.project,
      reflex: facts.reflex,
    });
    return queries.explain({ atUnixMs, facts: create(wire.FactsSchema, { ...facts, client, project }) });
  },
  documents: (request) => queries.documents(request),
  registryStatus: () => queries.registryStatus(),
  calls: async ({ client, project, reflex, model, ...request }) =>
    queries.calls({
      ...request,
      client: naming.pastClient(client),
      project: naming.past('project', project),
      reflex: naming.past('reflex', reflex),
      model: naming.past('model', model),
    }),
  usage: async ({ client, model, ...request }) =>
    queries.usage({ ...request, client: naming.pastClient(client), model: naming.past('model', model) }),
  feedback: async (request) => queries.feedback({ ...request, client: naming.pastClient(request.client) }),
  decision: (request) => queries.decision(request),
});
