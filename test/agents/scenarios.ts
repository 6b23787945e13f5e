import type { System } from '../support/system.ts';
import { jobWord } from './scripted-model.ts';
import type { AgentUpstream, SeenTurn } from './upstream.ts';
import { cloudModel, failingModelOf, type Family, modelOf } from './world.ts';

/** Something that happens to a session, and what must hold after it. */
export interface Scenario {
  readonly name: string;
  /** Attributes that the client states with each request. */
  readonly headers: Readonly<Record<string, string>>;
  modelFor(family: Family): string;
  /** Begins; what it returns is called when the job is over. */
  begin(system: System, upstream: AgentUpstream, model: string): () => Promise<void>;
  /** Why the turns that models saw are not as they should be; undefined: they are. */
  faultIn(turns: readonly SeenTurn[], model: string, returnsReasoning: boolean): string | undefined;
}

const nothing = (): Promise<void> => Promise.resolve();
const modelsIn = (turns: readonly SeenTurn[]): string => [...new Set(turns.map(({ model }) => model))].join(', ');
const unsealed = (turns: readonly SeenTurn[]): number =>
  turns.at(-1)?.conversation?.turns.filter(({ seal }) => seal === undefined).length ?? 0;

export const undisturbed: Scenario = {
  name: 'undisturbed',
  headers: {},
  modelFor: modelOf,
  begin: () => nothing,
  faultIn(turns, model, returnsReasoning) {
    if (turns.some((turn) => turn.model !== model)) return `models asked: ${modelsIn(turns)}`;
    return returnsReasoning && unsealed(turns) > 0
      ? `reasoning of ${unsealed(turns)} turns did not come back`
      : undefined;
  },
};

/** The turn that is about to be answered, counted from 0; undefined: it belongs to no job. */
const turnOf = ({ conversation }: SeenTurn): number | undefined =>
  conversation?.said.includes(jobWord) && conversation.tools.length > 0 ? conversation.turns.length : undefined;

const fallback: Scenario = {
  name: 'model fails in the middle',
  headers: {},
  modelFor: failingModelOf,
  begin(_system, upstream, model) {
    upstream.onTurn = (turn) => {
      if (turn.model === model && turnOf(turn) === 2) upstream.down.add(model);
    };
    return () => {
      upstream.onTurn = () => {};
      upstream.down.clear();
      return Promise.resolve();
    };
  },
  faultIn(turns, model) {
    const last = turns.at(-1)?.model;
    return last === undefined || last === model ? `no other model took over: ${modelsIn(turns)}` : undefined;
  },
};

const workerKilled: Scenario = {
  name: 'worker killed between turns',
  headers: {},
  modelFor: modelOf,
  begin(system, upstream) {
    let killed: Promise<void> | undefined;
    upstream.onAnswered = (turn) => {
      if (turnOf(turn) !== 1 || killed) return;
      const [oldest] = system.of('provider-worker').slice(-2);
      // The end of the answer still passes through the worker.
      killed = new Promise<void>((resolve) => setTimeout(resolve, 150)).then(() => oldest?.kill());
    };
    return async () => {
      upstream.onAnswered = () => {};
      await killed;
      await system.add('provider-worker');
    };
  },
  faultIn: undisturbed.faultIn,
};

const compliantOnly: Scenario = {
  name: 'AcmeLegal names a cloud model',
  headers: { 'x-will-client': 'AcmeLegal' },
  modelFor: () => cloudModel,
  begin: () => nothing,
  // Claude Code drops reasoning of a model that it did not name; whichever model answers here is another one.
  faultIn(turns) {
    return turns.some(({ model }) => model === cloudModel) ? 'the cloud model was asked' : undefined;
  },
};

export const scenarios: readonly Scenario[] = [undisturbed, fallback, workerKilled, compliantOnly];
