import { create, dataClassToWire, priorityToWire, rankedSetFromWire, subjects, wire } from '@will/contracts';
import { type DataClass, explainInWords, type Priority, type RankedSet, type UnavailableModel } from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { priorityIn } from '../options.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

export interface ExplainOptions {
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly highPriority?: boolean;
  readonly model?: string;
  readonly unavailableModel?: UnavailableModel;
  readonly dataClass?: DataClass;
  readonly needs?: readonly string[];
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly inputTokens?: number;
  readonly maxTokens?: number;
  /** Epoch milliseconds: decide as if it were then. */
  readonly at?: number;
  /** Name also every model that the route does not name. */
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `willm explain`: which models may do such a task, in which order, and why the others may not. Nothing is run. */
export async function explain(terminal: Terminal, type: string, options: ExplainOptions): Promise<ExitCode> {
  const question = { facts: factsOf(type, options), atUnixMs: BigInt(options.at ?? 0) };
  const { set, wouldChange, notConsidered, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.policyExplain, [wire.DecideRequestSchema, question], wire.DecideResponseSchema),
  );
  if (error !== '' || !set) throw new CliError(exitCodes.failed, error === '' ? 'policy answered nothing' : error);
  if (options.json) printJson(terminal, { ...setAsJson(set), wouldChange, notConsidered });
  else
    terminal.out(
      `${[...inWords(rankedSetFromWire(set), new Set(notConsidered), options), ...wouldChange].join('\n')}\n`,
    );
  return set.candidates.length > 0 ? exitCodes.success : exitCodes.failed;
}

/** Models that nothing asks for are only counted, unless all are to be named or the task names a model. */
function inWords(
  set: RankedSet,
  notConsidered: ReadonlySet<string>,
  { all = false, model }: ExplainOptions,
): readonly string[] {
  if (all || model !== undefined) return explainInWords(set);
  const exclusions = set.exclusions.filter((exclusion) => !notConsidered.has(exclusion.model));
  const hidden = notConsidered.size;
  const others = hidden === 1 ? '1 model is' : `${hidden} models are`;
  return [
    ...explainInWords({ ...set, exclusions }),
    ...(hidden === 0 ? [] : [`${others} not in its route; --all lists them`]),
  ];
}

function factsOf(type: string, options: ExplainOptions): wire.Facts {
  return create(wire.FactsSchema, {
    taskType: type,
    client: options.client ?? 'default',
    project: options.project ?? '',
    reflex: options.reflex ?? '',
    priority: priorityToWire(priorityIn(options) ?? 'normal'),
    dataClass: dataClassToWire(options.dataClass),
    model: options.model ?? '',
    unavailableModel: options.unavailableModel ?? '',
    inputModalities: [...(options.input ?? ['text'])],
    outputModalities: [...(options.output ?? ['text'])],
    needs: [...(options.needs ?? [])].sort(),
    inputTokens: options.inputTokens ?? 0,
    maxOutputTokens: options.maxTokens ?? 0,
  });
}

export const setAsJson = (set: wire.RankedSet): object => ({ setId: set.setId, ...rankedSetFromWire(set) });
