import type { Bus } from '@will/bus';
import { type DocumentText, gatherDocuments, keepSlugs, keyOfDocument, type wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type Snapshot } from '@will/core';
import { OperatorError } from '../ask.ts';
import { pageOfCalls } from '../calls.ts';
import { findDecision } from '../decisions.ts';
import { documentOf, documentsOf } from '../documents.ts';
import { type Forecast, forecast, type RecordedTask } from './forecast.ts';

/** Spans of recorded tasks that a preview may look back on. */
export const previewWindows = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;
export type PreviewWindow = keyof typeof previewWindows;

export interface Preview extends Forecast {
  readonly window: PreviewWindow;
  /** There are more tasks than were looked at: these are the newest. */
  readonly isPartial: boolean;
}

/** So many tasks are made again, the newest ones. */
const maxTasks = 5_000;
const callsPerPage = 500;
const questionsAtOnce = 16;

/** A proposed change of the documents. `prune`: documents that no file names are gone. */
export interface ProposedChange {
  readonly files: readonly DocumentText[];
  readonly prune: boolean;
}

/** The same of a window up to now. @throws {OperatorError} as {@link previewBetween} */
export async function previewChange(
  bus: Bus,
  change: ProposedChange,
  window: PreviewWindow,
  nowMs: number,
): Promise<Preview> {
  return { ...(await previewBetween(bus, change, nowMs - previewWindows[window], nowMs)), window };
}

/**
 * Replays the decisions of calls that started from `fromMs` and before `toMs` under proposed documents, and says which tasks
 * would go elsewhere and what they would cost. Changes nothing.
 * @throws {OperatorError} 'refused' also where the documents do not fit together
 */
export async function previewBetween(
  bus: Bus,
  { files, prune }: ProposedChange,
  fromMs: number,
  toMs: number,
): Promise<Omit<Preview, 'window'>> {
  const stored = (await documentsOf(bus, '', '')).map(documentOf);
  const before = compiled(stored);
  const after = compiled(proposedDocuments(stored, files, prune));
  const { tasks, isPartial } = await recordedTasks(bus, fromMs, toMs);
  return { ...forecast(before, after, tasks), isPartial };
}

/** The documents that would hold. @throws {OperatorError} 'refused' */
function proposedDocuments(
  stored: readonly AnyDocument[],
  files: readonly DocumentText[],
  prune: boolean,
): readonly AnyDocument[] {
  const { documents, problems } = gatherDocuments(files, keepSlugs(stored));
  if (problems.length > 0) throw new OperatorError('refused', `${problems.length} problems in the documents`);
  const after = new Map(prune ? [] : stored.map((document) => [keyOfDocument(document), document]));
  for (const [key, { document }] of documents) after.set(key, document);
  return [...after.values()];
}

/** Both sides are checked under one revision: only the documents make a difference. @throws {OperatorError} 'refused' */
function compiled(documents: readonly AnyDocument[]): Snapshot {
  const result = compileSnapshot(1, documents);
  if ('snapshot' in result) return result.snapshot;
  throw new OperatorError('refused', `the documents do not fit together: ${result.problems[0]?.message ?? ''}`);
}

async function recordedTasks(
  bus: Bus,
  fromMs: number,
  toMs: number,
): Promise<{ readonly tasks: readonly RecordedTask[]; readonly isPartial: boolean }> {
  const period = { fromUnixMs: BigInt(fromMs), toUnixMs: BigInt(toMs) };
  const calls = new Map<string, wire.CallRecord[]>();
  let last: wire.CallRecord | undefined;
  let isPartial = false;
  for (;;) {
    const page = await pageOfCalls(bus, period, last, callsPerPage);
    // A page is newest first: of one task, the first attempt comes last.
    for (const call of page)
      if (call.decisionId !== '') calls.set(call.decisionId, [call, ...(calls.get(call.decisionId) ?? [])]);
    last = page.at(-1);
    isPartial = calls.size > maxTasks;
    if (page.length === 0 || isPartial) break;
  }
  const newest = [...calls].slice(0, maxTasks);
  const tasks: RecordedTask[] = [];
  for (let start = 0; start < newest.length; start += questionsAtOnce)
    tasks.push(...(await withDecisions(bus, newest.slice(start, start + questionsAtOnce))));
  return { tasks, isPartial: isPartial || tasks.length < newest.length };
}

/** A task whose decision or set is not kept any more is left out. */
async function withDecisions(
  bus: Bus,
  tasks: readonly (readonly [decisionId: string, calls: readonly wire.CallRecord[]])[],
): Promise<readonly RecordedTask[]> {
  const found = await Promise.all(tasks.map(async ([id, calls]) => ({ calls, ...(await findDecision(bus, id)) })));
  return found.flatMap(({ decision, set, calls }) => (decision && set ? [{ decision, set, calls }] : []));
}
