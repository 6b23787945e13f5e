import type { Backends } from '../ports.ts';

/** State of the gateway, as far as readiness depends on it. */
export interface Readiness {
  /** Why no task can be answered now; undefined: one can. */
  readonly reason: string | undefined;
  /** Slugs of the models that are served now. */
  readonly models: readonly string[];
  readonly revision: number;
}

/**
 * The reason why this process may be sent no requests now; undefined: it may. Neither documents nor workers count:
 * without them it answers what is missing, and a task that comes is what has a worker started.
 */
export const whyNotReady = ({ isBusConnected, client }: Backends, isStopping: boolean): string | undefined => {
  if (isStopping) return 'stopping';
  if (!isBusConnected) return 'NATS is not connected';
  return client === undefined ? 'starting' : undefined;
};

/** Tells whether a task could be answered at this moment, looking at everything that one needs on its way. */
export function readiness({ isBusConnected, snapshot, fleet }: Backends): Readiness {
  const models = [...(fleet?.servedModels() ?? [])].sort();
  const revision = snapshot?.revision ?? 0;
  const needed: readonly (readonly [boolean, string])[] = [
    [isBusConnected, 'NATS is not connected'],
    [snapshot !== undefined, 'no documents are published yet: is the registry running?'],
    [fleet?.has('router') === true, 'no router is running'],
    [fleet?.has('policy') === true, 'no policy is running'],
    [models.length > 0, 'no worker serves any model'],
  ];
  return { reason: needed.find(([holds]) => !holds)?.[1], models, revision };
}
