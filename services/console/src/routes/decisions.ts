import { rankedSetFromWire, type wire } from '@will/contracts';
import { type Exclusion, explainInWords, mendOf, type RankedSet, type Snapshot, whatWouldChange } from '@will/core';
import { findDecision, makeAgain } from '@will/operator';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { roles, route } from '../api/route.ts';
import { scope, wholeNumber } from '../api/schemas.ts';
import { toApi, Verbatim } from '../api/shown.ts';
import type { ConsoleBackends } from '../backends.ts';
import { maySee, type Viewer } from '../viewer.ts';
import { sourcesOf } from './rule-sources.ts';

/** By the decision's own id where it is known, else by the task's. */
export const keyOfDecision = (decisionId: string | undefined, taskId: string): string => decisionId || taskId;

export const decisionRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/decisions/{id}',
    access: roles.everyone,
    summary: 'Why a task went where it went, by the id of the decision or of the task',
    query: z.object(scope),
    answer: async ({ parameters, viewer }, backends) => {
      const id = parameters['id'] ?? '';
      const decision = await shownDecision(backends, viewer, id);
      if (!decision) throw notFound(id);
      return new Verbatim(decision);
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/decisions/{id}/replay',
    access: roles.everyone,
    summary: 'Makes a kept decision again, from the documents of its revision or of another one',
    query: z.object({ ...scope, revision: wholeNumber(1, 1e12).optional() }),
    answer: async ({ parameters, query, viewer }, backends) => {
      const id = parameters['id'] ?? '';
      if (!(await shownDecision(backends, viewer, id))) throw notFound(id);
      const { revision, isOwn, differences, again, wouldChange } = await makeAgain(backends.bus, id, query.revision);
      return {
        revision,
        isOwn,
        identical: differences.length === 0,
        differences,
        order: again.selection.order,
        skipped: again.selection.skipped,
        set: shownSet(again.set, backends.snapshot),
        wouldChange,
      };
    },
  }),
];

const notFound = (id: string): AdminError =>
  new AdminError('not_found', `no decision is known of ${JSON.stringify(id.slice(0, 80))}`);

/** A decision that the viewer may see; undefined: there is none, or it is another client's. */
export async function shownDecision(backends: ConsoleBackends, viewer: Viewer, id: string): Promise<unknown> {
  const { decision, set } = await findDecision(backends.bus, id);
  if (!decision) return undefined;
  const ranked = set && rankedSetFromWire(set);
  return maySee(viewer, { client: decision.client, project: ranked?.facts.project })
    ? toApi(inFull(decision, ranked, backends))
    : undefined;
}

const inFull = (
  decision: wire.DecisionRecord,
  set: RankedSet | undefined,
  { snapshot, nowMs }: ConsoleBackends,
): object => ({
  ...decision,
  words: set ? explainInWords(set) : [],
  set: set && shownSet(set, snapshot),
  wouldChange: set && snapshot ? whatWouldChange(snapshot, set.facts, nowMs()) : [],
});

/** A ranked set, each exclusion with what would lift it and the documents that state the rule. */
export const shownSet = (set: RankedSet, snapshot: Snapshot | undefined): object => ({
  ...set,
  exclusions: set.exclusions.map((exclusion: Exclusion) => ({
    ...exclusion,
    mend: mendOf(exclusion.rule),
    sources: sourcesOf(exclusion, set.facts, snapshot),
  })),
});
