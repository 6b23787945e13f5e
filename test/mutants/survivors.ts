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
];

export const reasonOf = (mutant: Mutant): string | undefined =>
  reasons.find(
    ({ file, from, to }) =>
      mutant.file.endsWith(file) && mutant.from === from && (to === undefined || to === mutant.to),
  )?.why;
