import type { Bus, CounterKind, Incoming, Serving } from '@will/bus';
import { create, queues, subjects, wire } from '@will/contracts';
import { type LedgerKeeper, type LimitState, NotOpenedError } from '../ledger.ts';
import { QuestionError } from '../service.ts';
import { answeringBy, readAs } from './answering.ts';

/** Answers workers that open a counter, and operators who ask how much of the limits is used. */
export function serveLimits(
  bus: Bus,
  keeper: Pick<LedgerKeeper, 'open' | 'states'>,
  onError: (what: string, error: unknown) => void,
): Serving {
  const answering = answeringBy(onError);
  const open = async (message: Incoming): Promise<wire.OpenCounterResponse> => {
    const { kind, key, startUnixMs, endUnixMs } = readAs(wire.OpenCounterRequestSchema, message);
    if (!isKind(kind)) throw new QuestionError(`kind ${JSON.stringify(kind.slice(0, 80))} must be ledger or rate`);
    await keeper.open({ kind, key }, Number(startUnixMs), Number(endUnixMs)).catch((error: unknown) => {
      throw error instanceof NotOpenedError ? new QuestionError(error.message) : error;
    });
    return create(wire.OpenCounterResponseSchema);
  };
  const limits = async (): Promise<wire.LimitsResponse> =>
    create(wire.LimitsResponseSchema, { limits: keeper.states().map(toWire) });
  const servings = [
    bus.serve(
      subjects.telemetry('open'),
      queues.telemetry,
      answering(wire.OpenCounterResponseSchema, open, (error) => create(wire.OpenCounterResponseSchema, { error })),
    ),
    bus.serve(
      subjects.telemetry('limits'),
      queues.telemetry,
      answering(wire.LimitsResponseSchema, limits, (error) => create(wire.LimitsResponseSchema, { error })),
    ),
  ];
  return {
    async stop() {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

const isKind = (kind: string): kind is CounterKind => kind === 'ledger' || kind === 'rate';

const toWire = ({ limit, period, used, warns }: LimitState): wire.LimitState =>
  create(wire.LimitStateSchema, {
    scope: limit.scope,
    id: limit.id,
    metric: limit.metric,
    period: limit.period,
    most: limit.most,
    used,
    warns,
    periodEndsUnixMs: BigInt(period.endMs),
  });
