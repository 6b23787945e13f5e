import type { Bus, Incoming, Serving } from '@will/bus';
import { create, queues, subjects, wire } from '@will/contracts';
import type { BudgetAlerts } from '../alerts/budget-alerts.ts';
import { answeringBy, readAs } from './answering.ts';
import type { AuthoredWords } from './bus-queries.ts';

/** Answers operators who ask which alerts were raised, and has dead ones tried again. */
export function serveAlerts(
  bus: Bus,
  alerts: Pick<BudgetAlerts, 'list' | 'retry'>,
  onError: (what: string, error: unknown) => void,
  noted: (words: AuthoredWords) => void,
): Serving {
  const answer = async (message: Incoming): Promise<wire.AlertsResponse> => {
    const { retryId, author } = readAs(wire.AlertsRequestSchema, message);
    if (retryId !== '') {
      await alerts.retry(retryId);
      noted({ author, action: 'alert.retried', object: retryId, detail: '' });
    }
    return create(wire.AlertsResponseSchema, { alerts: [...alerts.list()].slice(0, maxListed) });
  };
  return bus.serve(
    subjects.telemetry('alerts'),
    queues.telemetry,
    answeringBy(onError)(wire.AlertsResponseSchema, answer, (error) => create(wire.AlertsResponseSchema, { error })),
  );
}

/** They fit into a message. */
const maxListed = 1_000;
