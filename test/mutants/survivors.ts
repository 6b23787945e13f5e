import type { Mutant } from './instrument.ts';

/** Why no test notices a mutant, and none should. */
export interface Reason {
  readonly file: string;
  readonly from: string;
  /** undefined: whatever stands there instead. */
  readonly to?: string;
  readonly why: string;
}

const freesMemory = 'it only frees memory';
const guarded = 'for the types alone: what follows is false of it too';
const savesTime = 'it only saves time: the same comes out';
const anyText = 'any other text that stands for nothing would do';
const readAnyway = 'what it lets through cannot be read as a date, and is refused there';

export const reasons: readonly Reason[] = [
  { file: 'documents/fields.ts', from: "typeof value === 'number'", to: 'true', why: guarded },
  { file: 'documents/fields.ts', from: String.raw`/^\d{4}-\d{2}-\d{2}$/`, why: readAnyway },
  {
    file: 'documents/fields.ts',
    from: String.raw`/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/`,
    to: String.raw`/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})/`,
    why: readAnyway,
  },
  { file: 'documents/read-yaml.ts', from: 'document.contents === null', to: 'false', why: guarded },
  { file: 'documents/read-yaml.ts', from: 'node === null', to: 'false', why: 'no kind of node, and refused as null' },
  {
    file: 'documents/rule-schemas.ts',
    from: "'custom'",
    why: 'the code of an issue; only its path and message are read',
  },
  { file: 'tasks/src/runner.ts', from: 'this.#work.delete(work);', why: freesMemory },
  { file: 'tasks/src/runner.ts', from: '[]', why: 'replaced before it is read' },
  {
    file: 'tasks/src/runner.ts',
    from: 'this.#deps.monotonicMs() - claimedAtMs > surelyMineMs',
    to: 'this.#deps.monotonicMs() - claimedAtMs >= surelyMineMs',
    why: 'to ask once more whether the task is still its own changes nothing',
  },
  { file: 'tasks/src/task-waits.ts', from: 'waiting.size === 0', why: freesMemory },
  { file: 'tasks/src/tasks-error.ts', from: "'TasksError'", why: 'the name of a class of errors, which nobody reads' },
  { file: 'documents/json-check.ts', from: 'false', to: 'true', why: 'no formats are installed that could be checked' },
  { file: 'collections/transient.ts', from: 'box', to: 'false', why: freesMemory },
  {
    file: 'domain/attributes.ts',
    from: 'isHeaderLine(source) && !beginsOrEndsLikeOurs.test(key)',
    to: 'false',
    why: savesTime,
  },
  { file: 'domain/attributes.ts', from: "'normal'", why: guarded },
  { file: 'domain/attributes.ts', from: 'false', to: 'true', why: guarded },
  { file: 'domain/content-url.ts', from: 'address.slice(0, 128)', why: savesTime },
  { file: 'domain/cost-tags.ts', from: "''", why: 'there are never so many keys that near ones are looked for' },
  { file: 'domain/names.ts', from: "''", to: '"Stryker was here!"', why: 'no character becomes an invisible one' },
  { file: 'domain/nearest.ts', from: 'a.name < b.name', to: 'a.name <= b.name', why: 'equal names are the same' },
  { file: 'domain/task-kinds.ts', from: "typeof value !== 'object'", to: 'false', why: guarded },
  { file: 'domain/attributes.ts', from: 'found', to: 'true', why: guarded },
  { file: 'domain/attributes.ts', from: "'high_priority'", why: guarded },
  { file: 'domain/identity.ts', from: 'client === undefined', to: 'false', why: guarded },
  {
    file: 'domain/private-endpoint.ts',
    from: 'endpointPattern.exec(endpoint)?.[1]?.toLowerCase',
    to: 'endpointPattern.exec(endpoint)?.[1].toLowerCase',
    why: guarded,
  },
  { file: 'eligibility/preferences.ts', from: 'indexes.set(schedules, index);', why: savesTime },
  { file: 'eligibility/would-change.ts', from: 'most === undefined', to: 'false', why: guarded },
  { file: 'ranking/change-book.ts', from: "''", why: anyText },
  { file: 'ranking/goal-order.ts', from: 'first?.model', to: 'first.model', why: guarded },
  { file: 'ranking/stats-book.ts', from: "''", why: anyText },
  { file: 'ranking/stats-book.ts', from: '[0x811c9dc5, 0x01000193]', why: 'other digests tell attempts apart as well' },
  { file: 'resilience/degradation-signal.ts', from: 'slowAtMs !== undefined', to: 'true', why: guarded },
  {
    file: 'resilience/provider-error.ts',
    from: 'fieldAtStart.exec(message)?.[1]?.replace',
    to: 'fieldAtStart.exec(message)?.[1].replace',
    why: guarded,
  },
  { file: 'resilience/retry-after.ts', from: 'text !== undefined', to: 'true', why: guarded },
  { file: 'routing/decide.ts', from: '[]', to: '["Stryker was here"]', why: 'a slug that no model has is passed over' },
  { file: 'routing/tone.ts', from: "''", why: anyText },
  {
    file: 'snapshot/compile-snapshot.ts',
    from: '[...chain].slice(1)',
    why: 'a step that stands there twice counts once',
  },
  {
    file: 'snapshot/looser-decisions.ts',
    from: '[...after.models.keys()].filter((slug) => before.models.has(slug))',
    why: savesTime,
  },
  { file: 'snapshot/looser-decisions.ts', from: '!was || !is', to: '!was && !is', why: guarded },
  { file: 'snapshot/looser-decisions.ts', from: '!was || !is', to: 'false', why: guarded },
  { file: 'chat/sse.ts', from: "'\\n'", to: '""', why: savesTime },
  { file: 'chat/sse.ts', from: "!piece.includes('\\n')", to: 'false', why: savesTime },
  { file: 'chat/sse.ts', from: "text.includes('\\r')", to: 'true', why: savesTime },
  { file: 'chat/sse.ts', from: 'false', to: 'true', why: 'an empty line before the first event says nothing' },
  { file: 'ai-sdk/prompt.ts', from: 'last?.role', to: 'last.role', why: guarded },
  { file: 'snapshot/loosening.ts', from: 'dataTagsOf(before) === dataTagsOf(after)', to: 'false', why: savesTime },
  {
    file: 'snapshot/schedule.ts',
    from: 'atMs > nowMs',
    to: 'atMs >= nowMs',
    why: 'at this instant the window is as it is',
  },
  { file: 'usage/cost.ts', from: 'cost !== undefined', to: 'true', why: guarded },
];

export const reasonOf = (mutant: Mutant): string | undefined =>
  reasons.find(
    ({ file, from, to }) =>
      mutant.file.endsWith(file) && mutant.from === from && (to === undefined || to === mutant.to),
  )?.why;
