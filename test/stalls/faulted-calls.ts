import { newId } from '@will/contracts';
import type { ReplayingUpstream, SeenRequest } from '@will/testkit';

/** What is done to the network while tasks run, and how a task is asked. */
export interface FaultedWorld {
  readonly upstream: ReplayingUpstream;
  /** Runs a task whose input begins with an id; resolves with the model that answered. @throws {Error} it did not. */
  ask(input: string): Promise<string>;
  /** Does the fault once. Resolves when all is there again. */
  fault(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultedCalls {
  /** Tasks that were under way when a fault began. */
  readonly faulted: number;
  readonly faults: number;
  readonly tasks: number;
  readonly answered: number;
  readonly providerCalls: number;
  /** Calls of a provider beyond the first of a task. */
  readonly secondCalls: number;
  /** Calls of models that the route does not prefer. */
  readonly notPreferred: number;
  /** What callers were told, each kind with its number. */
  readonly errors: ReadonlyMap<string, number>;
}

interface Asked {
  readonly startedMs: number;
  endedMs: number;
}

/** Nothing that was under way is called later than this. */
const settleMs = 8_000;
/** Callers that were refused retry after this. */
const againMs = 100;

/** Keeps tasks running in so many lanes, and does the fault of a world again and again, until enough tasks met one. */
export async function countFaulted(
  world: FaultedWorld,
  { calls, lanes }: { readonly calls: number; readonly lanes: number },
): Promise<FaultedCalls> {
  const asked = new Map<string, Asked>();
  const errors = new Map<string, number>();
  let [faulted, faults, answered, isOver] = [0, 0, 0, false];
  const lane = async (): Promise<void> => {
    while (!isOver) {
      const id = newId();
      const one: Asked = { startedMs: performance.now(), endedMs: Number.POSITIVE_INFINITY };
      asked.set(id, one);
      try {
        await world.ask(`${id} says hello`);
        answered += 1;
      } catch (error) {
        const word = wordOf(error);
        errors.set(word, (errors.get(word) ?? 0) + 1);
        await pause(againMs);
      }
      one.endedMs = performance.now();
    }
  };
  world.upstream.clear();
  const running = Promise.all(Array.from({ length: lanes }, lane));
  while (faulted < calls) {
    // At any distance from the last one: what others conclude of it is under way, or over.
    await pause(300 + Math.random() * 2_500);
    const atMs = performance.now();
    await world.fault();
    faults += 1;
    for (const one of asked.values()) if (one.startedMs <= atMs && one.endedMs > atMs) faulted += 1;
  }
  isOver = true;
  await running;
  await pause(settleMs);
  const callsById = Map.groupBy(world.upstream.requests, idOf);
  const providerCalls = world.upstream.requests.length;
  const unknown = [...callsById.keys()].filter((id) => !asked.has(id));
  if (unknown.length > 0) throw new Error(`the provider was called for ${unknown.length} tasks that nobody asked`);
  return {
    faulted,
    faults,
    tasks: asked.size,
    answered,
    providerCalls,
    secondCalls: providerCalls - callsById.size,
    notPreferred: world.upstream.requests.filter(({ model }) => model !== 'first').length,
    errors,
  };
}

/** By the rule of three: with no event in so many, its chance is below this with a confidence of 95 %. */
export const upperBound95 = (calls: number): number => 3 / calls;

export function idOf({ body }: SeenRequest): string {
  const messages = body['messages'] as readonly { readonly role: string; readonly content: string }[];
  return messages.find(({ role }) => role === 'user')?.content.split(' ')[0] ?? '';
}

function wordOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return typeof code === 'string' ? code : message;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
