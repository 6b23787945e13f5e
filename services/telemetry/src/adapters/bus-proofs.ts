import type { Bus, Serving } from '@will/bus';
import { create, queues, subjects, wire } from '@will/contracts';
import { SettingsError } from '@will/runtime';
import type { ProofQuestion, Proofs } from '../proofs/proofs.ts';
import type { SigningKey } from '../proofs/signing-key.ts';
import type { Sealing, SealingDeps } from '../seals/sealing.ts';
import { QuestionError } from '../service.ts';
import { answeringBy, readAs } from './answering.ts';

export interface ProofBackends {
  readonly sealing: Sealing;
  readonly proofs: Proofs;
  /** Read, or made, when the first report is asked for. */
  readonly signingKey: () => Promise<SigningKey>;
  readonly note: (actor: string, words: Parameters<SealingDeps['note']>[0]) => Promise<void>;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Tells reports over the bus, page by page, and signs them at their end. */
export function serveProofs(bus: Bus, backends: ProofBackends): Serving {
  const { sealing, proofs, note, nowMs } = backends;
  const signingKey = (): Promise<SigningKey> =>
    backends.signingKey().catch((cause: unknown) => {
      throw cause instanceof SettingsError ? new QuestionError(cause.message, { cause }) : cause;
    });

  const announced = new Set<string>();
  const announce = async (): Promise<void> => {
    const { publicKey } = await signingKey();
    if (announced.has(publicKey)) return;
    await note('telemetry', { action: 'proof.key', object: publicKey, detail: 'ed25519' });
    announced.add(publicKey);
  };

  const begin = async ({ client, author, toUnixMs }: wire.ProveRequest): Promise<wire.ProofPlace> => {
    const last = await sealing.sealNow();
    if (!last) throw new QuestionError('no call was recorded yet, so there is nothing to prove');
    await announce();
    await note(author || 'unknown', { action: 'proof.made', object: client, detail: `through seal ${last.number}` });
    const madeUnixMs = BigInt(nowMs());
    return create(wire.ProofPlaceSchema, {
      throughSeal: BigInt(last.number),
      madeUnixMs,
      toUnixMs: toUnixMs === 0n ? madeUnixMs : toUnixMs,
    });
  };

  const prove = async (request: wire.ProveRequest): Promise<wire.ProveResponse> => {
    const { client, fromUnixMs, toUnixMs } = request;
    if (client === '') throw new QuestionError('a client is needed');
    if (toUnixMs !== 0n && fromUnixMs >= toUnixMs)
      throw new QuestionError(`from ${fromUnixMs} must be before to ${toUnixMs}`);
    const place = request.place ?? (await begin(request));
    const question = questionOf(client, fromUnixMs, place);
    if (place.isTold)
      return create(wire.ProveResponseSchema, { lines: [await proofs.signature(question, await signingKey())] });
    const { lines, next } = await proofs.page(question, { seal: Number(place.seal), told: Number(place.told) });
    const there = next ? { seal: BigInt(next.seal), told: BigInt(next.told) } : { isTold: true };
    return create(wire.ProveResponseSchema, { lines: [...lines], next: { ...place, ...there } });
  };

  return bus.serve(
    subjects.telemetry('prove'),
    queues.telemetry,
    answeringBy(backends.onError)(
      wire.ProveResponseSchema,
      (message) => prove(readAs(wire.ProveRequestSchema, message)),
      (error) => create(wire.ProveResponseSchema, { error }),
    ),
  );
}

const questionOf = (client: string, fromUnixMs: bigint, place: wire.ProofPlace): ProofQuestion => ({
  client,
  fromMs: Number(fromUnixMs),
  toMs: Number(place.toUnixMs),
  throughSeal: Number(place.throughSeal),
  madeAtMs: Number(place.madeUnixMs),
});
