import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { subjects, wire } from '@will/contracts';
import type { Bus } from '@will/bus';

/** Whatever is connected to the bus of a product. */
interface OnTheBus {
  readonly bus: Bus;
}

const askMs = 10_000;

/** Applies one file; with `prune` it becomes all there is, whatever depended on what was. */
export async function apply(
  system: OnTheBus,
  text: string,
  { prune = false }: { readonly prune?: boolean } = {},
): Promise<wire.ApplyResponse> {
  const files = [{ path: 'test.yaml', text }];
  const request = create(wire.ApplyRequestSchema, { files, author: 'test', prune, force: prune });
  return fromBinary(
    wire.ApplyResponseSchema,
    await system.bus.request(subjects.registry('apply'), toBinary(wire.ApplyRequestSchema, request), askMs),
  );
}

/**
 * Call records, asked for until at least `atLeast` are there: they travel in batches and arrive a moment after the
 * answer. Fails after 10 s.
 */
export async function callsOf(
  system: OnTheBus,
  query: MessageInitShape<typeof wire.QueryCallsRequestSchema>,
  atLeast: number,
): Promise<wire.CallRecord[]> {
  const request = toBinary(
    wire.QueryCallsRequestSchema,
    create(wire.QueryCallsRequestSchema, { limit: 1_000, ...query }),
  );
  const giveUpMs = performance.now() + askMs;
  for (;;) {
    const answer = fromBinary(
      wire.QueryCallsResponseSchema,
      await system.bus.request(subjects.telemetry('calls'), request, askMs),
    );
    if (answer.error !== '') throw new Error(answer.error);
    if (answer.calls.length >= atLeast) return answer.calls;
    if (performance.now() > giveUpMs)
      throw new Error(`${answer.calls.length} of ${atLeast} records arrived within ${askMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function decisionOf(system: OnTheBus, decisionId: string): Promise<wire.GetDecisionResponse> {
  const request = toBinary(wire.GetDecisionRequestSchema, create(wire.GetDecisionRequestSchema, { decisionId }));
  const giveUpMs = performance.now() + askMs;
  for (;;) {
    const answer = fromBinary(
      wire.GetDecisionResponseSchema,
      await system.bus.request(subjects.telemetry('decision'), request, askMs),
    );
    if (answer.decision && answer.set) return answer;
    if (performance.now() > giveUpMs) throw new Error(`decision ${decisionId}: ${answer.error}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
