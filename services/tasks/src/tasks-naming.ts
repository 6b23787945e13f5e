import type { wire } from '@will/contracts';
import { modelSlugOf, type Snapshot } from '@will/core';
import type { StoredTask, TaskStore } from '@will/store';
import { submittedTask } from './submission.ts';
import { factsOfTask } from './task-facts.ts';

/** So many tasks of a client, and of all clients, are looked at: a task may hold most of a megabyte. */
const maxChecked = { ofClient: 100, ofAll: 500 } as const;

type Naming = Pick<wire.TasksNaming, 'kind' | 'slug' | 'waiting' | 'running' | 'isPartial'>;

/** Tasks that have not ended and name these documents: by their client, project or model. */
export async function tasksNaming(
  store: Pick<TaskStore, 'list' | 'withoutMessageSince'>,
  snapshot: Snapshot | undefined,
  { clients, projects, models }: Pick<wire.TasksNamingRequest, 'clients' | 'projects' | 'models'>,
): Promise<readonly Naming[]> {
  const ofClients = await Promise.all(clients.map((slug) => ofClient(store, slug)));
  const isOnlyClients = projects.length + models.length === 0;
  const tasks = isOnlyClients ? [] : await store.withoutMessageSince(Number.MAX_SAFE_INTEGER, maxChecked.ofAll);
  const isPartial = tasks.length === maxChecked.ofAll;
  const named = tasks.map((task) => ({ task, ...namesIn(task, snapshot) }));
  const counted = (kind: 'project' | 'model', slug: string): Naming =>
    countOf(
      kind,
      slug,
      named.filter((one) => one[kind] === slug).map(({ task }) => task),
      isPartial,
    );
  return [
    ...ofClients,
    ...projects.map((slug) => counted('project', slug)),
    ...models.map((slug) => counted('model', slug)),
  ].filter(({ waiting, running, isPartial: mayBeMore }) => waiting + running > 0 || mayBeMore);
}

async function ofClient(store: Pick<TaskStore, 'list'>, client: string): Promise<Naming> {
  const states = await Promise.all(
    (['waiting', 'running'] as const).map((state) => store.list({ client, state }, maxChecked.ofClient)),
  );
  return countOf(
    'client',
    client,
    states.flat(),
    states.some(({ length }) => length === maxChecked.ofClient),
  );
}

const countOf = (kind: Naming['kind'], slug: string, tasks: readonly StoredTask[], isPartial: boolean): Naming => {
  const running = tasks.filter(({ state }) => state === 'running').length;
  return { kind, slug, waiting: tasks.length - running, running, isPartial };
};

function namesIn(task: StoredTask, snapshot: Snapshot | undefined) {
  const { project, model } = factsOfTask(task.client, submittedTask(task));
  return { project, model: model === undefined ? undefined : ((snapshot && modelSlugOf(snapshot, model)) ?? model) };
}
