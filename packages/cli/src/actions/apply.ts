import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { openPayloads, PayloadError, type Bus, type Payloads } from '@will/bus';
import { create, isDocumentFile, sizes, subjects, wire } from '@will/contracts';
import { previewChange, type PreviewWindow } from '@will/operator';
import { readFolder } from '@will/store';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { table } from '../table.ts';
import { previewInWords } from '../preview-in-words.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { working } from '../working.ts';

/** Options of every change of documents. */
export interface ChangeOptions {
  readonly dryRun?: boolean;
  readonly note?: string;
  /** Remove what something depends on, and take names of removed documents. */
  readonly force?: boolean;
  /** Loosen rules although the settings say `strict_changes`. */
  readonly allowLoosening?: boolean;
  /** False: do not wait for the live processes. Default: true. */
  readonly wait?: boolean;
  /** How long to wait for them. Default 30,000. */
  readonly timeoutMs?: number;
  readonly json?: boolean;
}

export interface ApplyOptions extends ChangeOptions {
  readonly file: readonly string[];
  readonly prune?: boolean;
  /** With a dry run: replay the recorded decisions of this time. */
  readonly window?: PreviewWindow;
}

export interface DocumentFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Longer than a process that fell silent can go on by older rules with the usual settings: it is missed after 10 s, and
 * its documents are stale after 15.
 */
const defaultWaitMs = 30_000;
/** Documents of one apply, in all. */
const maxApplyBytes = 30 * 1024 * 1024;
/** A file's path and framing on the wire take less. */
const perFileBytes = 300;
/** For the change itself, beside the wait. */
const answerMs = 10_000;

/** The time to wait for a change once it is stored, and in all. */
export function waitOf({ wait = true, timeoutMs = defaultWaitMs }: Pick<ChangeOptions, 'wait' | 'timeoutMs'> = {}) {
  const waitMs = wait ? timeoutMs : 0;
  return { waitMs, timeoutMs: waitMs + answerMs };
}

/** A change on the wire, but for what is changed. */
export const changeOnWire = ({
  dryRun = false,
  note = '',
  force = false,
  allowLoosening = false,
  ...wait
}: ChangeOptions) => ({
  dryRun,
  note,
  force,
  allowLoosening,
  author: authorName(),
  waitMs: waitOf(wait).waitMs,
});

/** `willm apply`: all the documents or none of them. */
export async function apply(terminal: Terminal, options: ApplyOptions): Promise<ExitCode> {
  const files = (await Promise.all(options.file.map((path) => readDocuments(terminal, path)))).flat();
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  checkUsage(files.length, bytes, options);
  const question = { prune: options.prune ?? false, ...changeOnWire(options) };
  const timeoutMs = waitOf(options).timeoutMs + readingMs(bytes);
  const answer = await withBus(terminal, (bus) =>
    withFiles(bus, files, bytes, (where) => {
      const request = [wire.ApplyRequestSchema, { ...question, ...where }] as const;
      return working(terminal, 'applying', () =>
        ask(bus, subjects.registry('apply'), request, wire.ApplyResponseSchema, timeoutMs),
      );
    }),
  );
  const { window, dryRun = false, prune = false } = options;
  const isPreviewed = dryRun && window !== undefined && answer.problems.length === 0;
  const preview = isPreviewed
    ? await withBus(terminal, (bus) =>
        working(terminal, 'replaying decisions', () => previewChange(bus, { files, prune }, window, Date.now())),
      )
    : undefined;
  if (options.json) printJson(terminal, preview ? { ...answer, preview } : answer);
  else {
    showApplied(terminal, answer, options);
    if (preview) terminal.out(previewInWords(preview));
  }
  return exitCodeOf(answer, options);
}

/** @throws {CliError} these files cannot go out as one change, or the options do not fit together. */
function checkUsage(files: number, bytes: number, { file, window, dryRun }: ApplyOptions): void {
  if (files === 0) throw new CliError(exitCodes.usage, `no document is in ${file.join(', ')}`);
  if (bytes > maxApplyBytes)
    throw new CliError(
      exitCodes.usage,
      `${files} files of ${bytes} bytes exceed the ${maxApplyBytes} of one apply; apply them in parts`,
    );
  if (window !== undefined && dryRun !== true)
    throw new CliError(exitCodes.usage, '--window is for --dry-run: it says what a change would do');
}

/** What is read on the way: about 10 s for each MiB of YAML on a slow machine. */
const readingMs = (bytes: number): number => Math.ceil(bytes / 1024 / 1024) * 10_000;

type FilesOnWire = Pick<MessageInitShape<typeof wire.ApplyRequestSchema>, 'files' | 'filesPayload'>;

/** Puts files into the message, or beside it where they are too large, for as long as they are used. */
async function withFiles<T>(
  bus: Bus,
  files: readonly DocumentFile[],
  bytes: number,
  use: (where: FilesOnWire) => Promise<T>,
): Promise<T> {
  if (bytes + files.length * perFileBytes <= sizes.inputBytes) return use({ files: [...files] });
  const payloads = openPayloads(bus);
  const content = toBinary(wire.ApplyFilesSchema, create(wire.ApplyFilesSchema, { files: [...files] }));
  const filesPayload = await putBeside(payloads, content);
  try {
    return await use({ filesPayload });
  } finally {
    await payloads.remove(filesPayload);
  }
}

async function putBeside(payloads: Payloads, content: Uint8Array): Promise<wire.PayloadRef> {
  try {
    return await payloads.put('documents', content);
  } catch (cause) {
    if (!(cause instanceof PayloadError)) throw cause;
    throw new CliError(exitCodes.failed, `the documents cannot be handed over: ${cause.message}`, { cause });
  }
}

/** The exit code of a change: that of a wait nobody asked for tells nothing. */
export function exitCodeOf({ problems, lagging }: wire.ApplyResponse, { wait = true }: ChangeOptions = {}): ExitCode {
  if (problems.length > 0) return exitCodes.failed;
  return lagging.length > 0 && wait ? exitCodes.unconfirmed : exitCodes.success;
}

/** A file, all documents of a folder and those below it, or `-` for stdin. @throws {CliError} 2 when it cannot be read. */
export async function readDocuments(terminal: Terminal, path: string): Promise<readonly DocumentFile[]> {
  if (path === '-') return [{ path: 'stdin', text: await terminal.readInput() }];
  try {
    if (!(await stat(path)).isDirectory()) return [{ path, text: await readFile(path, 'utf8') }];
    return (await readFolder(path)).filter((file) => isDocumentFile(file.path, file.text));
  } catch (cause) {
    throw new CliError(
      exitCodes.usage,
      `${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      { cause },
    );
  }
}

export function authorName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as containers have.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Shows the changes that were made, or would be made. */
export function showApplied(
  terminal: Terminal,
  answer: wire.ApplyResponse,
  { dryRun = false }: { readonly dryRun?: boolean },
): void {
  for (const warning of answer.warnings) terminal.err(`warning: ${warning}\n`);
  if (answer.problems.length > 0) {
    showLooser(terminal, answer);
    for (const problem of answer.problems) terminal.err(`${problemInWords(problem)}\n`);
    return terminal.err(`willm: nothing was applied: ${count(answer.problems.length, 'problem')}\n`);
  }
  terminal.out(
    table(answer.changes, [
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'NAME', value: ({ slug }) => slug },
      { title: 'CHANGE', value: ({ action }) => action },
    ]),
  );
  const what = answer.changes.length === 0 ? 'nothing changes' : count(answer.changes.length, 'change');
  terminal.out(
    dryRun ? `${what}; dry run, revision ${answer.revision} stays\n` : `${what}, revision ${answer.revision}\n`,
  );
  showLooser(terminal, answer);
  for (const { words } of answer.decisionChanges) terminal.out(`would change: ${words}\n`);
  if (answer.decisionsNote !== '') terminal.out(`${answer.decisionsNote}\n`);
  for (const lagging of answer.lagging) terminal.err(`warning: not confirmed: ${lagging}\n`);
}

function showLooser(terminal: Terminal, { loosenings, looserDecisions, looserNote }: wire.ApplyResponse): void {
  for (const { kind, slug, words } of loosenings) terminal.out(`looser: ${kind} ${slug}: ${words}\n`);
  for (const { words } of looserDecisions) terminal.out(`looser for: ${words}\n`);
  if (looserNote !== '') terminal.out(`${looserNote}\n`);
}

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** `file:line: field: message`, as compilers say it. */
export function problemInWords({
  path,
  line,
  field,
  message,
}: Pick<wire.Problem, 'path' | 'line' | 'field' | 'message'>): string {
  const place = path === '' ? '' : line > 0 ? `${path}:${line}: ` : `${path}: `;
  return `${place}${field === '' ? '' : `${field}: `}${message}`;
}
