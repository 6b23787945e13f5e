import type { ModelConnection } from '@will/providers';
import { labForms, labMediaInputs, type LabUpstream, type Mutation, mutationOf, startLabUpstream } from '@will/testkit';
import { type Bystander, startBystander } from './bystander.ts';
import { askInLab, type LabRan, openLabModel } from './lab-worker.ts';

export interface MutationOptions {
  readonly seed: number;
  readonly count: number;
  /** How many are asked at once. */
  readonly atOnce: number;
}

export interface MutationResult {
  readonly answered: number;
  readonly failed: number;
  /** What must not be, in words; the number names the mutation of the seed. */
  readonly wrong: readonly string[];
  readonly bystander: { readonly whole: number; readonly broken: number };
}

/** Long enough for any answer that comes; a connection that stays open within an answer ends by it. */
const timeoutMs = 3_000;

/** Plays mutations of good answers to the worker's own code, while a bystander streams. */
export async function playMutations({ seed, count, atOnce }: MutationOptions): Promise<MutationResult> {
  process.env['LAB_PROVIDER_KEY'] ??= 'sk-lab';
  const upstream = await startLabUpstream();
  const lab = new MutationLab(upstream);
  const bystanderConnection = await openLabModel({
    name: 'bystander',
    slug: 'bystander',
    endpoint: `${upstream.url}/v1`,
  });
  const bystander: Bystander = startBystander(upstream, bystanderConnection, 'bystander');
  try {
    let next = 0;
    const work = async (lane: number): Promise<void> => {
      while (next < count) {
        const n = next;
        next += 1;
        await lab.play(mutationOf(seed, n), n, lane);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, lane) => work(lane)));
  } finally {
    await lab.close();
  }
  const seen = await bystander.stop();
  await bystanderConnection.close();
  await upstream.close();
  return { ...lab.result, bystander: seen };
}

class MutationLab {
  readonly result = { answered: 0, failed: 0, wrong: [] as string[] };
  readonly #upstream: LabUpstream;
  readonly #connections = new Map<string, Promise<ModelConnection>>();

  constructor(upstream: LabUpstream) {
    this.#upstream = upstream;
  }

  async play(mutation: Mutation, n: number, lane: number): Promise<void> {
    const form = mutation.form ?? labForms[0];
    if (!form) throw new Error('there is no form');
    const slug = `lab-${form.name}-${lane}`;
    this.#upstream.answer(slug, mutation.answer);
    const opening = this.#connections.get(slug);
    const fields = { name: slug, slug, provider: form.provider, endpoint: this.#upstream.url + form.version };
    const connection = opening ?? openLabModel(fields);
    this.#connections.set(slug, connection);
    const input =
      mutation.kind === 'chat' ? { messages: [{ role: 'user', content: 'Hi' }] } : labMediaInputs[mutation.kind];
    const ran = await askInLab(
      await connection,
      { inputKind: mutation.kind, input: JSON.stringify(input), stream: mutation.stream, timeoutMs },
      `m-${n}`,
    );
    const wrong = whatIsWrong(ran, mutation);
    if (wrong !== undefined) this.result.wrong.push(`mutation ${n}: ${wrong}`);
    this.result[ran.record.status === 'Success' ? 'answered' : 'failed'] += 1;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) await (await connection).close();
  }
}

/** How calls may end that a provider answered wrongly. */
const typedEnds: ReadonlySet<string> = new Set([
  'Success',
  'Overloaded',
  'ProviderError',
  'Truncated',
  'Stalled',
  'Deadline',
  'ContentFilter',
  'RateLimited',
  'Invalid',
  'AuthError',
]);

/** No answer of the lab comes to more. */
const maxTokens = 400_000;

/** Undefined: it is right, or fails as it should. */
function whatIsWrong(ran: LabRan, { unchanged }: Mutation): string | undefined {
  const { record, errors, words, calls, text } = ran;
  if (errors.length > 0) return `a call broke: ${errors.join('; ')}`;
  if (!typedEnds.has(record.status)) return `it ended as ${record.status}`;
  if (words.filter((word) => word === 'ended').length !== 1) return `the router was told ${words.join(', ')}`;
  if (record.status !== 'Success') return unchanged && `a good answer ended as ${record.status}: ${record.reason}`;
  const { usage } = record;
  if (!usage || usage.inputTokens > maxTokens || usage.outputTokens > maxTokens)
    return `it is billed for ${usage?.inputTokens} and ${usage?.outputTokens} tokens`;
  if (!calls.every(isWholeCall)) return `its tool calls are ${JSON.stringify(calls)}`;
  if (!text.isWellFormed() || text.includes('[object Object]')) return `its text is ${JSON.stringify(text)}`;
  if (!unchanged) return undefined;
  const same = text === (unchanged.text ?? []).join('') && ran.reasoning === (unchanged.reasoning ?? '');
  const made = JSON.stringify(calls.map(({ name, arguments: args }) => [name, args]));
  const meant = JSON.stringify((unchanged.calls ?? []).map(({ name, input }) => [name, JSON.stringify(input)]));
  if (!same || made !== meant) return `a good answer became ${JSON.stringify({ text, calls })}`;
  return usage.inputTokens === 12 && usage.outputTokens === 9 ? undefined : 'a good answer’s bill is another';
}

/** Arguments may be cut where an answer was: they are text, and never what JavaScript makes of an object. */
const isWholeCall = (call: LabRan['calls'][number]): boolean =>
  call.id !== '' && call.name !== '' && !call.arguments.includes('[object');
