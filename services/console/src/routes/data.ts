import { type ExclusionRule, exclusionsOf, type Facts, type Model, requirementOf, type Snapshot } from '@will/core';
import { proofOf } from '@will/operator';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { roles, route, Streamed } from '../api/route.ts';
import { name, period, wholeNumber } from '../api/schemas.ts';
import type { ConsoleBackends } from '../backends.ts';
import { authorOf } from '../viewer.ts';
import { sourcesOf } from './rule-sources.ts';

const rowsPerPage = 50;

/** Rules on what a model can do. Every other one is on who may see what, also one that a newer core adds. */
const abilityRules: ReadonlySet<ExclusionRule> = new Set([
  'task_type',
  'modality',
  'capability',
  'context_length',
  'max_tokens_per_call',
  'max_output',
  'tier',
]);

export const dataRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/data',
    access: roles.readers,
    summary: 'Which model may see whose data: clients and their projects × models, with the rules in each cell',
    query: z.object({ client: name.optional(), model: name.optional(), page: wholeNumber(0, 10_000).default(0) }),
    answer: async ({ query }, backends) => {
      const snapshot = documentsIn(backends);
      const models = [...snapshot.models.values()].filter(
        ({ slug }) => query.model === undefined || slug === query.model,
      );
      const owners = ownersIn(snapshot).filter(({ client }) => query.client === undefined || client === query.client);
      const page = owners.slice(query.page * rowsPerPage, (query.page + 1) * rowsPerPage);
      const isMore = owners.length > (query.page + 1) * rowsPerPage;
      return {
        revision: snapshot.revision,
        models: models.map(placeOf),
        places: [...snapshot.models.values()].map(placeOf),
        rows: page.map((owner) => rowOf(snapshot, owner, models, backends.nowMs())),
        ...(isMore && { next: query.page + 1 }),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/proof',
    access: roles.readers,
    summary: 'A signed report of every call of a client in a period, one JSON object a line, with what proves it',
    query: z.object({ client: name, ...period }),
    answer: async ({ query, viewer }, { bus }) => {
      const { client, from = 0, to = 0 } = query;
      const parts = proofOf(bus, { client, fromMs: from, toMs: to, author: authorOf(viewer) });
      // What cannot be proved is told by the status: once the first part is there, only the rest can fail.
      const first = await parts.next();
      return new Streamed('application/jsonl', async (write) => {
        if (!first.done) await write(asText(first.value));
        for await (const lines of parts) await write(asText(lines));
      });
    },
  }),
];

const placeOf = ({ slug, dataResidency, callMethod }: Model) => ({ slug, dataResidency, callMethod });

const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** @throws {AdminError} */
export function documentsIn({ snapshot }: ConsoleBackends): Snapshot {
  if (snapshot) return snapshot;
  throw new AdminError('unavailable', 'no documents are published yet');
}

interface Owner {
  readonly client: string;
  readonly project: string | undefined;
}

/** Each client, and behind it its projects. */
function ownersIn({ clients, projects }: Snapshot): readonly Owner[] {
  const byClient = Map.groupBy(projects.values(), ({ client }) => client ?? '');
  return [...clients.keys()]
    .toSorted()
    .flatMap((client) => [
      { client, project: undefined },
      ...(byClient.get(client) ?? []).map(({ slug }) => ({ client, project: slug })),
    ]);
}

/** A cell is null where the model may see the data, else the rules that it breaks. */
function rowOf(snapshot: Snapshot, owner: Owner, models: readonly Model[], nowMs: number): object {
  const facts = factsOf(owner);
  const requirement = requirementOf(snapshot, facts);
  return {
    ...owner,
    requirement,
    cells: models.map((model) => {
      const broken = exclusionsOf(model, requirement, facts, nowMs).filter(({ rule }) => !abilityRules.has(rule));
      return broken.length === 0
        ? null
        : broken.map((exclusion) => ({ ...exclusion, sources: sourcesOf(exclusion, facts, snapshot) }));
    }),
  };
}

/** A task of the owner that asks for nothing of its own. */
const factsOf = ({ client, project }: Owner): Facts => ({
  taskType: '',
  client,
  project,
  reflex: undefined,
  priority: 'high',
  dataClass: undefined,
  model: undefined,
  input: [],
  output: [],
  needs: [],
  inputTokens: 0,
  maxOutputTokens: 0,
});
