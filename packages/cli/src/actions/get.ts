import type { wire } from '@will/contracts';
import type {
  ClientDocument,
  DocumentKind,
  ModelDocument,
  ProjectDocument,
  ReflexDocument,
  RouteDocument,
  TaskTypeDocument,
  ScheduleDocument,
  SettingsDocument,
} from '@will/core';
import { escapedJson } from '@will/core';
import { bodyOf, documentsOf } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { wordOfKind } from '../kinds.ts';
import { type TextColumn, localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';

export interface GetOptions {
  readonly json?: boolean;
  readonly strength?: string;
  readonly quirk?: string;
}

/**
 * True where a model's strengths and quirks hold the words asked for: `long-context` finds "handles long context
 * well".
 */
export function hasStyle({ style }: Pick<ModelDocument, 'style'>, { strength, quirk }: GetOptions): boolean {
  return holds(style?.strengths, strength) && holds(style?.quirks, quirk);
}

const wordsOf = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

function holds(notes: readonly string[] | undefined, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return (notes ?? []).some((note) => {
    const words = wordsOf(note);
    return wordsOf(wanted).every((word) => words.includes(word));
  });
}

/** `willm get`: documents as they are in force. */
export async function get(
  terminal: Terminal,
  kind: DocumentKind,
  name: string | undefined,
  options: GetOptions,
): Promise<ExitCode> {
  for (const wanted of ['strength', 'quirk'] as const)
    if (options[wanted] !== undefined && kind !== 'model')
      throw new CliError(exitCodes.usage, `--${wanted} is for models, not for ${wordOfKind(kind)}`);
  const all = await withBus(terminal, (bus) => documentsOf(bus, kind, name ?? ''));
  const documents = all.filter((document) => hasStyle(bodyOf(document) as ModelDocument, options));
  if (name !== undefined && documents.length === 0)
    throw new CliError(
      exitCodes.failed,
      `no ${kind} is named ${JSON.stringify(name)}; \`willm get ${wordOfKind(kind)}\` lists them`,
    );
  if (name !== undefined) showOne(terminal, documents[0] as wire.Document);
  else if (options.json) printJson(terminal, documents.map(bodyOf));
  else if (documents.length === 0) terminal.err(`no ${wordOfKind(kind)} yet\n`);
  else terminal.out(table(documents, columnsOf(kind)));
  return exitCodes.success;
}

/** One document whole, which is JSON either way; who changed it last stands on stderr. */
function showOne(terminal: Terminal, document: wire.Document): void {
  terminal.out(`${escapedJson(JSON.stringify(bodyOf(document), undefined, 2))}\n`);
  terminal.err(
    `${document.kind} ${document.slug}, revision ${document.revision}, by ${document.author} at ${localTime(Number(document.updatedUnixMs))}\n`,
  );
}

type Body = TextColumn<wire.Document>;
const column = <D>(title: string, value: (body: D) => string | number | undefined): Body => ({
  title,
  value: (document) => value(bodyOf(document) as D) ?? '',
});
const list = (values: readonly string[] | undefined): string => (values ?? []).join(',');
const yesNo = (value: boolean | undefined): string => (value === undefined ? '?' : value ? 'yes' : 'no');
const named: readonly Body[] = [
  column<{ slug: string }>('SLUG', ({ slug }) => slug),
  column<{ name: string }>('NAME', ({ name }) => name),
];

const override: readonly Body[] = [
  ...named,
  column<ClientDocument>('DEFAULT MODEL', (client) => client.default_model),
  column<ClientDocument>('RULES', ({ data_rules: rules }) =>
    Object.entries(rules ?? {})
      .map(([rule, value]) => (value === true ? rule : `${rule}=${value}`))
      .join(','),
  ),
  column<ClientDocument>('DATA CLASS', (client) => client.data_class),
];

const columns: Record<DocumentKind, readonly Body[]> = {
  model: [
    ...named,
    column<ModelDocument>('CALL', (model) => model.call_method),
    column<ModelDocument>('PROVIDER', (model) => model.provider),
    column<ModelDocument>('TAGS', (model) => list(model.tags)),
    column<ModelDocument>('RESIDENCY', (model) => model.data_residency ?? '?'),
    column<ModelDocument>('COMPLIANCE', ({ compliance }) =>
      compliance === undefined
        ? '?'
        : compliance.length === 0
          ? 'none'
          : list(compliance.map(({ standard }) => standard)),
    ),
    column<ModelDocument>('SENSITIVE', ({ security_level: level }) => yesNo(level && level === 'safe_for_sensitive')),
    column<ModelDocument>('CUSTOMER', (model) => yesNo(model.allowed_tasks?.can_this_model_see_customer_data)),
    column<ModelDocument>('TIER', (model) => model.tier),
  ],
  route: [
    column<RouteDocument>('TASK TYPE', (route) => route.slug),
    column<RouteDocument>('MODELS IN ORDER', (route) => route.steps.map(({ model }) => model).join(' → ')),
  ],
  task_type: [
    column<TaskTypeDocument>('TASK TYPE', (type) => type.slug),
    column<TaskTypeDocument>('TAKES', ({ modalities }) => list(modalities?.input)),
    column<TaskTypeDocument>('FIELDS', ({ fields }) => list(Object.keys((fields?.['properties'] as object) ?? {}))),
    column<TaskTypeDocument>('ANSWER', ({ answer }) => list(Object.keys((answer?.['properties'] as object) ?? {}))),
  ],
  client: override,
  project: [...override, column<ProjectDocument>('CLIENT', (project) => project.client)],
  reflex: [
    ...named,
    column<ReflexDocument>('PREFERRED', (reflex) => reflex.preferred_model),
    column<ReflexDocument>('FALLBACK', (reflex) => list(reflex.fallback)),
  ],
  schedule: [
    ...named,
    column<ScheduleDocument>('FROM', (schedule) => schedule.from),
    column<ScheduleDocument>('TO', (schedule) => schedule.to),
    column<ScheduleDocument>('ZONE', (schedule) => schedule.time_zone),
    column<ScheduleDocument>('DAYS', (schedule) => (schedule.days ? list(schedule.days) : 'every day')),
    column<ScheduleDocument>('PREFER', ({ prefer }) =>
      typeof prefer === 'object' ? `tags ${list(prefer.tags)}` : prefer,
    ),
  ],
  settings: [
    column<SettingsDocument>(
      'DEFAULT DATA CLASS',
      (settings) => settings.default_data_class ?? 'customer-sensitive (not stated)',
    ),
  ],
};
const columnsOf = (kind: DocumentKind): readonly Body[] => columns[kind];
