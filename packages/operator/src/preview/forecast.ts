import { replayKept, usageFromWire, type wire } from '@will/contracts';
import { costNanoUsd, type DataClass, priceAt, type Snapshot } from '@will/core';

/** A task as it was recorded: its decision, and the calls that were made for it. */
export interface RecordedTask {
  readonly decision: wire.DecisionRecord;
  readonly set: wire.RankedSet;
  readonly calls: readonly wire.CallRecord[];
}

/** Tasks of one kind that go elsewhere, or count as another data class. */
export interface Move {
  readonly taskType: string;
  readonly client: string;
  readonly project: string;
  /** The model that is tried first; '' where the task is refused. */
  readonly from: string;
  readonly to: string;
  readonly dataClassBefore: DataClass;
  readonly dataClassAfter: DataClass;
  readonly tasks: number;
  readonly beforeNanoUsd: bigint;
  readonly afterNanoUsd: bigint;
  /** Tasks whose cost is not known on one of both sides, and stands in neither sum. */
  readonly unknownCosts: number;
  /** Mean duration of a call of each model, as recorded, else as its document says; absent: not known. */
  readonly beforeMs?: number;
  readonly afterMs?: number;
}

/** Figures of recorded tasks under other documents. */
export interface Forecast {
  readonly tasks: number;
  readonly moved: number;
  /** Of those moved: tasks that no model may do any more, and tasks that one may do now. */
  readonly refused: number;
  readonly admitted: number;
  readonly beforeNanoUsd: bigint;
  readonly afterNanoUsd: bigint;
  readonly unknownCosts: number;
  /** Most tasks first. */
  readonly moves: readonly Move[];
}

interface ComparedTask {
  readonly key: string;
  readonly move: Pick<Move, 'taskType' | 'client' | 'project' | 'from' | 'to' | 'dataClassBefore' | 'dataClassAfter'>;
  readonly isMoved: boolean;
  readonly beforeNanoUsd: bigint | undefined;
  readonly afterNanoUsd: bigint | undefined;
}

/**
 * Makes each recorded decision again, with the documents in force and with proposed ones, from its facts, instant, state
 * and seed. Money is that of the recorded tokens on both sides: where documents send a task to another model than it went
 * to, its answer's tokens are charged at that model's price.
 */
export function forecast(before: Snapshot, after: Snapshot, tasks: readonly RecordedTask[]): Forecast {
  const checked = tasks.map((task) => compareTask(before, after, task));
  const moved = checked.filter(({ isMoved }) => isMoved);
  const durations = meanDurations(tasks);
  const durationOf = (snapshot: Snapshot, model: string): number | undefined =>
    durations.get(model) ?? snapshot.models.get(model)?.document.benchmark?.avg_latency_ms;
  const moves = [...Map.groupBy(moved, ({ key }) => key).values()].map((group): Move => {
    const [{ move }] = group as [ComparedTask];
    const [beforeMs, afterMs] = [durationOf(before, move.from), durationOf(after, move.to)];
    return {
      ...move,
      tasks: group.length,
      ...moneyOf(group),
      ...(beforeMs !== undefined && { beforeMs }),
      ...(afterMs !== undefined && { afterMs }),
    };
  });
  return {
    tasks: checked.length,
    moved: moved.length,
    refused: moved.filter(({ move }) => move.to === '').length,
    admitted: moved.filter(({ move }) => move.from === '').length,
    ...moneyOf(checked),
    moves: moves.toSorted((a, b) => b.tasks - a.tasks),
  };
}

function compareTask(before: Snapshot, after: Snapshot, task: RecordedTask): ComparedTask {
  const { decision, set } = task;
  const [old, proposed] = [replayKept(before, decision, set).again, replayKept(after, decision, set).again];
  const { facts } = old.set;
  const move = {
    taskType: facts.taskType,
    client: facts.client,
    project: facts.project ?? '',
    from: old.selection.order[0] ?? '',
    to: proposed.selection.order[0] ?? '',
    dataClassBefore: old.set.dataClass,
    dataClassAfter: proposed.set.dataClass,
  };
  return {
    key: JSON.stringify(move),
    move,
    isMoved: move.from !== move.to || move.dataClassBefore !== move.dataClassAfter,
    beforeNanoUsd: costUnder(before, before, move.from, task),
    afterNanoUsd: costUnder(before, after, move.to, task),
  };
}

/** The cost of a task whose first model is `model` by `snapshot`. Documents may have changed since it was recorded. */
function costUnder(before: Snapshot, snapshot: Snapshot, model: string, task: RecordedTask): bigint | undefined {
  if (model !== (task.decision.order[0] ?? '')) return costThere(snapshot, model, task);
  return sumOf(task.calls.map((call) => costNow(before, snapshot, call)));
}

/** What the answer's tokens cost at another model; a task that is refused costs nothing. */
function costThere(snapshot: Snapshot, model: string, { calls }: RecordedTask): bigint | undefined {
  if (model === '') return 0n;
  const answer = calls.findLast(({ usage }) => usage !== undefined);
  return answer && costAt(snapshot, model, answer);
}

/** What a call cost, or would cost where the price of its model is another one. */
function costNow(before: Snapshot, after: Snapshot, call: wire.CallRecord): bigint | undefined {
  const [old, proposed] = [costAt(before, call.model, call), costAt(after, call.model, call)];
  return old === proposed ? call.costNanoUsd : proposed;
}

function costAt({ models }: Snapshot, model: string, { usage, startedUnixMs }: wire.CallRecord): bigint | undefined {
  const found = models.get(model);
  return usage && found && costNanoUsd(usageFromWire(usage), priceAt(found, Number(startedUnixMs)));
}

/** Undefined: one of them is not known. */
const sumOf = (costs: readonly (bigint | undefined)[]): bigint | undefined =>
  costs.reduce((sum, cost) => (sum === undefined || cost === undefined ? undefined : sum + cost), 0n);

function moneyOf(checked: readonly ComparedTask[]): Pick<Forecast, 'beforeNanoUsd' | 'afterNanoUsd' | 'unknownCosts'> {
  const known = checked.flatMap(({ beforeNanoUsd, afterNanoUsd }) =>
    beforeNanoUsd === undefined || afterNanoUsd === undefined ? [] : [{ beforeNanoUsd, afterNanoUsd }],
  );
  return {
    beforeNanoUsd: known.reduce((sum, { beforeNanoUsd }) => sum + beforeNanoUsd, 0n),
    afterNanoUsd: known.reduce((sum, { afterNanoUsd }) => sum + afterNanoUsd, 0n),
    unknownCosts: checked.length - known.length,
  };
}

function meanDurations(tasks: readonly RecordedTask[]): ReadonlyMap<string, number> {
  const successes = tasks.flatMap(({ calls }) => calls).filter(({ outcome }) => outcome === 'Success');
  const byModel = Map.groupBy(successes, ({ model }) => model);
  return new Map(
    [...byModel].map(([model, calls]) => [
      model,
      Math.round(calls.reduce((sum, { durationMs }) => sum + durationMs, 0) / calls.length),
    ]),
  );
}
