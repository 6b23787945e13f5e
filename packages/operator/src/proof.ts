import { createHash } from 'node:crypto';
import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { accepted, ask, OperatorError } from './ask.ts';

/** The calls to be proved. */
export interface ProofOf {
  /** Slug. */
  readonly client: string;
  /** Started at this instant or later. */
  readonly fromMs: number;
  /** Started before this instant; 0: now. */
  readonly toMs: number;
  /** Who wants it, for the audit log. */
  readonly author: string;
}

/** Sealing what is closed by now takes a while where there is much. */
const answerMs = 120_000;

/** Lines of a signed report, a part at a time. @throws {OperatorError} also where records went while it was made */
export async function* proofOf(bus: Bus, { client, fromMs, toMs, author }: ProofOf): AsyncGenerator<readonly string[]> {
  const about = { client, author, fromUnixMs: BigInt(fromMs), toUnixMs: BigInt(toMs) };
  const hash = createHash('sha256');
  let place: wire.ProofPlace | undefined;
  do {
    const question = { ...about, ...(place && { place }) };
    const answer = await ask(
      bus,
      subjects.telemetry('prove'),
      [wire.ProveRequestSchema, question],
      wire.ProveResponseSchema,
      answerMs,
    );
    const { lines, next } = accepted(answer);
    if (next) for (const line of lines) hash.update(`${line}\n`);
    else checkDigest(lines, hash.digest('hex'));
    yield lines;
    place = next;
  } while (place);
}

function checkDigest([line = '{}']: readonly string[], digest: string): void {
  if ((JSON.parse(line) as { readonly digest?: string }).digest === digest) return;
  throw new OperatorError('refused', 'records were erased while the report was made; ask again');
}
