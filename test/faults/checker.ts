/**
 * The invariants of the product, checked after a run from four logs that know nothing of each other: the callers', the
 * upstream's, the product's own call log, and that of cooldowns. A pure function; each violation names its invariant and
 * what shows it.
 */

/** What the documents of the run say. */
export interface Rules {
  /** Models that a task of this client and type may be given to, whatever fails. */
  readonly allowed: (client: string, type: string) => readonly string[];
  /** Calls at once of a model, over all its workers; absent: no limit. */
  readonly concurrency: Readonly<Record<string, number>>;
  /** Calls of a model within the day; absent: no limit. */
  readonly daily: Readonly<Record<string, number>>;
  /** The most calls that one pickup of a task may come to. */
  readonly callsPerPickup: number;
  /** How late a reply, and a call of a model in cooldown, may be on this machine. */
  readonly slackMs: number;
}

/** One call as the upstream saw it. */
export interface SeenCall {
  readonly taskId: string;
  readonly model: string;
  readonly atMs: number;
  /** When its answer was sent whole or its caller went away. */
  readonly overMs: number;
}

/** One line of the product's call log. */
export interface RecordLine {
  readonly attemptId: string;
  readonly taskId: string;
  readonly client: string;
  readonly model: string;
  readonly status: string;
  readonly startedMs: number;
}

export interface End {
  readonly atMs: number;
  /** `Success`, or the code of the failure. */
  readonly code: string;
  readonly output: string;
}

/** One task as its caller saw it. */
export interface TaskLine {
  readonly taskId: string;
  readonly client: string;
  readonly type: string;
  readonly lane: 'run' | 'stream' | 'durable';
  readonly startedMs: number;
  readonly deadlineMs: number;
  /** Durable: ids under which it was accepted, one for each time it was submitted under its key. */
  readonly acceptedAs: readonly string[];
  /** Each end that its caller was told, or read: a durable result is read more than once. */
  readonly ends: readonly End[];
  /** What another client was told of it; undefined: it was not asked. */
  readonly toldToOthers?: string;
  /** Durable: how often it was picked up. */
  readonly pickups?: number;
  /** Durable, and without an end: its state. */
  readonly lastSeenAs?: string;
}

/** A cooldown started, as every process could know. */
export interface CooldownLine {
  readonly model: string;
  readonly knownMs: number;
  readonly untilMs: number;
}

export interface Logs {
  readonly rules: Rules;
  readonly tasks: readonly TaskLine[];
  readonly seen: readonly SeenCall[];
  readonly records: readonly RecordLine[];
  readonly cooldowns: readonly CooldownLine[];
  /** What the product says is used of each model's daily limit, at the end. */
  readonly used: Readonly<Record<string, number>>;
  /** After the last fault. */
  readonly calmMs: number;
  /** Whether the chain of audit records is whole, in the product's words; '' where it is. */
  readonly auditFault: string;
  /** Planted secrets that were found, with the place. */
  readonly leaks: readonly string[];
}

export type Invariant = `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14}`;

export interface Violation {
  readonly invariant: Invariant;
  readonly evidence: string;
}

/** All accepted tasks have ended this long after the last fault. */
const liveWithinMs = 60_000;

type Check = (logs: Logs) => Iterable<string>;

export const invariants: Readonly<Record<Invariant, { readonly meaning: string; readonly check: Check }>> = {
  I1: { meaning: 'an accepted durable task has exactly one end', check: oneEnd },
  I2: { meaning: 'a result belongs to its task and its client', check: ownResult },
  I3: { meaning: 'no call of a model that the rules forbid', check: allowedModels },
  I4: { meaning: 'nothing is granted above a limit, and nothing is spent that nobody used', check: limitsHold },
  I5: { meaning: 'each call of a provider has one record', check: recordsMatch },
  I6: { meaning: 'no call begins while its model cools down', check: cooldownsHold },
  I7: { meaning: 'the same key is the same task', check: sameKey },
  I8: { meaning: 'no call begins after the deadline, and the reply is in time', check: deadlines },
  I9: { meaning: 'no more calls at once than a model allows', check: concurrencyHolds },
  I10: { meaning: 'no secret and no prompt where it does not belong', check: ({ leaks }) => leaks },
  I11: { meaning: 'retries stay within their budget', check: retries },
  I12: { meaning: 'no client waits much longer than the others', check: fairness },
  I13: { meaning: 'the audit chain is whole', check: ({ auditFault }) => (auditFault === '' ? [] : [auditFault]) },
  I14: { meaning: 'after the faults every accepted task ends', check: liveness },
};

export function violationsIn(logs: Logs): Violation[] {
  return Object.entries(invariants).flatMap(([invariant, { check }]) =>
    [...check(logs)].map((evidence) => ({ invariant: invariant as Invariant, evidence })),
  );
}

const isAccepted = ({ lane, acceptedAs }: TaskLine): boolean => lane === 'durable' && acceptedAs.length > 0;

function* oneEnd({ tasks }: Logs): Iterable<string> {
  for (const { taskId, ends } of tasks.filter(isAccepted)) {
    const different = new Set(ends.map(({ code, output }) => `${code} ${output}`));
    if (different.size > 1) yield `${taskId} ended as ${[...different].join(' and as ')}`;
  }
}

/** The upstream of a run answers with the task's id. */
function* ownResult({ tasks }: Logs): Iterable<string> {
  for (const { taskId, ends, toldToOthers } of tasks) {
    for (const { code, output } of ends)
      if (code === 'Success' && output !== taskId) yield `${taskId} was answered ${JSON.stringify(output)}`;
    if (toldToOthers?.includes(taskId) && toldToOthers.startsWith('Success'))
      yield `another client read ${taskId}: ${toldToOthers}`;
  }
}

function* allowedModels({ tasks, seen, rules }: Logs): Iterable<string> {
  const byId = tasksById(tasks);
  for (const { taskId, model } of seen) {
    const task = byId.get(taskId);
    if (!task) yield `${model} was called for ${taskId}, which nobody asked for`;
    else if (!rules.allowed(task.client, task.type).includes(model))
      yield `${model} was called for ${taskId} of client ${task.client}, type ${task.type}`;
  }
}

function* limitsHold({ seen, records, rules, used }: Logs): Iterable<string> {
  for (const [model, most] of Object.entries(rules.daily)) {
    const calls = seen.filter((call) => call.model === model).length;
    if (calls > most) yield `${model} was called ${calls} times, ${most} are allowed`;
    // A call that ended with its process before it left is recorded, and its reservation is given back.
    const recorded = records.filter((record) => record.model === model).length;
    const counted = used[model] ?? 0;
    if (counted < calls || counted > recorded)
      yield `${counted} calls of ${model} count as used, ${calls} were made, ${recorded} are recorded`;
  }
}

function* recordsMatch({ seen, records }: Logs): Iterable<string> {
  const ids = new Set<string>();
  for (const { attemptId } of records) {
    if (ids.has(attemptId)) yield `attempt ${attemptId} is recorded twice`;
    ids.add(attemptId);
  }
  const seenBy = countBy(seen, ({ taskId, model }) => `${taskId} at ${model}`);
  const recordedBy = countBy(records, ({ taskId, model }) => `${taskId} at ${model}`);
  const answeredBy = countBy(
    records.filter(({ status }) => status === 'Success'),
    ({ taskId, model }) => `${taskId} at ${model}`,
  );
  for (const [what, calls] of seenBy)
    if (calls > (recordedBy.get(what) ?? 0))
      yield `${what}: ${calls} calls, ${recordedBy.get(what) ?? 0} records (${timesOf(what, { seen, records })})`;
  // One that did not succeed may have failed before the provider saw it.
  for (const [what, answers] of answeredBy)
    if (answers > (seenBy.get(what) ?? 0)) yield `${what}: ${answers} answers recorded, ${seenBy.get(what) ?? 0} calls`;
}

/** When what is told to be missing was called, and what is recorded of it. */
function timesOf(what: string, { seen, records }: Pick<Logs, 'seen' | 'records'>): string {
  const isIt = ({ taskId, model }: { taskId: string; model: string }): boolean => `${taskId} at ${model}` === what;
  const calls = seen.filter(isIt).map(({ atMs, overMs }) => `${instant(atMs)} for ${overMs - atMs} ms`);
  const told = records.filter(isIt).map(({ startedMs, status }) => `${instant(startedMs)} ${status}`);
  return `called ${calls.join(', ')}; recorded ${told.join(', ')}`;
}

const instant = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

function* cooldownsHold({ seen, cooldowns, rules }: Logs): Iterable<string> {
  for (const cooldown of cooldowns)
    for (const { taskId, model, atMs } of seen)
      if (
        model === cooldown.model &&
        atMs > cooldown.knownMs + rules.slackMs &&
        atMs < cooldown.untilMs - rules.slackMs
      )
        yield `${taskId} called ${model} ${Math.round(atMs - cooldown.knownMs)} ms after its cooldown started`;
}

function* sameKey({ tasks }: Logs): Iterable<string> {
  for (const { taskId, acceptedAs } of tasks) {
    const ids = new Set(acceptedAs);
    if (ids.size > 1) yield `${taskId} was accepted as ${[...ids].join(' and as ')}`;
  }
}

function* deadlines({ tasks, seen, rules }: Logs): Iterable<string> {
  const byId = tasksById(tasks);
  for (const { taskId, model, atMs } of seen) {
    const lateMs = atMs - (byId.get(taskId)?.deadlineMs ?? Infinity);
    if (lateMs > rules.slackMs) yield `${taskId} called ${model} ${Math.round(lateMs)} ms after its deadline`;
  }
  for (const { taskId, lane, ends, deadlineMs } of tasks) {
    const first = ends[0];
    if (lane !== 'durable' && first && first.atMs > deadlineMs + rules.slackMs)
      yield `${taskId} was answered ${Math.round(first.atMs - deadlineMs)} ms after its deadline`;
  }
}

function* concurrencyHolds({ seen, rules }: Logs): Iterable<string> {
  for (const [model, most] of Object.entries(rules.concurrency)) {
    // Of two at the same instant the end comes first.
    const steps = seen
      .filter((call) => call.model === model)
      .flatMap(({ atMs, overMs }) => [
        { atMs, by: 1 },
        { atMs: overMs, by: -1 },
      ])
      .sort((one, other) => one.atMs - other.atMs || one.by - other.by);
    let now = 0;
    let peak = 0;
    for (const { by } of steps) {
      now += by;
      peak = Math.max(peak, now);
    }
    if (peak > most) yield `${model} had ${peak} calls at once, ${most} are allowed`;
  }
}

function* retries({ tasks, seen, rules }: Logs): Iterable<string> {
  const calls = countBy(seen, ({ taskId }) => taskId);
  for (const { taskId, pickups } of tasks) {
    const most = rules.callsPerPickup * Math.max(1, pickups ?? 1);
    if ((calls.get(taskId) ?? 0) > most) yield `${taskId} was called ${calls.get(taskId)} times, ${most} are allowed`;
  }
}

/** Of tasks that began after the faults: each client's median wait beside that of all. */
function* fairness({ tasks, calmMs, rules }: Logs): Iterable<string> {
  const calm = tasks.filter(({ lane, startedMs, ends }) => lane !== 'durable' && startedMs > calmMs && ends.length > 0);
  const waitOf = ({ startedMs, ends }: TaskLine): number => (ends[0]?.atMs ?? 0) - startedMs;
  const all = median(calm.map(waitOf));
  for (const client of new Set(calm.map((task) => task.client))) {
    const own = median(calm.filter((task) => task.client === client).map(waitOf));
    if (own > 2 * all + rules.slackMs) yield `client ${client} waits ${Math.round(own)} ms, all ${Math.round(all)} ms`;
  }
}

function* liveness({ tasks, calmMs }: Logs): Iterable<string> {
  for (const task of tasks) {
    const end = task.ends[0];
    if (isAccepted(task)) {
      if (!end) yield `${task.taskId} was accepted and has no end: ${task.lastSeenAs ?? 'nobody looked'}`;
      else if (end.atMs > Math.max(calmMs, task.startedMs) + liveWithinMs)
        yield `${task.taskId} ended ${Math.round((end.atMs - calmMs) / 1_000)} s after the last fault`;
    } else if (task.lane !== 'durable' && !end) yield `${task.taskId} hangs`;
  }
}

const tasksById = (tasks: readonly TaskLine[]): ReadonlyMap<string, TaskLine> =>
  new Map(tasks.map((task) => [task.taskId, task]));

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
