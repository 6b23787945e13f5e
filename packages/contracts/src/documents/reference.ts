import { documentKinds, modalitiesByTag, type DocumentKind } from '@will/core';
import { fieldsOf } from './schemas.ts';

const introductions: Readonly<Record<DocumentKind, string>> = {
  model: 'One callable place: a model of a provider, a file, a container.',
  route: 'Which models are tried for a task type, in which order. In the notation: `[text_gen]`.',
  task_type:
    'A task type with fields of its own: a new type is such a document, not a release.\nTypes without one are as good: [task types](../guides/task-types.md).',
  client: 'Whom tasks are done for, and what is allowed with its data. In the notation: `[client:AcmeLegal]`.',
  project: 'As a client, for one of its projects; restrictions of both add up. In the notation: `[project:name]`.',
  reflex: 'A named automatic behaviour, and the models it prefers. In the notation: `[reflex:auto_debug_logs]`.',
  schedule: 'A window of time, and what is preferred in it.',
  settings: 'What holds for all. There is one such document.',
};

const preface = `# Documents

Models, routes, task types, clients, projects, reflexes, schedules and settings are described in files, applied with
\`./willm apply -f <file or folder>\`. This page lists every field. It is written from the schema
(\`packages/contracts/src/documents\`), and a test fails when the two differ.

## Files

- YAML 1.2 or JSON, at most 16 MiB, 100,000 documents and 32 levels deep; one apply takes 30 MiB. Anchors, aliases,
  merge keys, tags and directives are refused.
- Several documents in a file: one per \`---\` with \`kind\`, or lists under \`models\`, \`routes\`, \`task_types\`, \`clients\`,
  \`projects\`, \`reflexes\`, \`schedules\`, and a map under \`settings\`.
- The specification's notation, whatever the file's suffix: sections \`[task type]\`, \`[client:name]\`, \`[project:name]\`,
  \`[reflex:name]\`, each followed by its fields. Fences around a block may stay.
- A field that is not listed here is an error that names the nearest that is. A field without a value is an error too.
- Words such as \`API\`, \`HIPAA\` or \`yes\` are read in any case. A list may be written as text with commas.
- Models are referred to by name, alias or slug, in any case. A name that no model has fails the whole apply.

## What apply does

It creates what is new, updates what differs and leaves alone what is the same; \`--prune\` also removes every document
that the files do not name. One problem anywhere, and nothing is applied. Each problem is a line
\`file:line: field: value must be …\`. A removal that leaves something behind needs \`--force\`, and rules that become
looser are listed. Apply refuses what can never work: a route whose step names a model without the route's tag (also
when a change takes that tag away). It refuses a gap in \`fallback_…\`, a model that no provider can serve, a provider
that no live worker has, and a schedule with a task type or tags that nothing has. Where such documents are stored
already, the registry warns of them when it starts and at each apply, until one of them is written again. Apply
returns when every live process works with the new revision, or names those that do not after 30 seconds. Every change
is kept with author, time and note: [documents.md](../guides/documents.md).
`;

/** The whole reference of documents, as Markdown. */
export function documentReference(): string {
  const kinds = documentKinds.map((kind) => `## ${kind}\n\n${introductions[kind]}\n\n${table(kind)}`);
  return [preface, ...kinds, modalitiesSection()].join('\n');
}

function table(kind: DocumentKind): string {
  const rows = fieldsOf(kind)
    .filter(({ field }) => !/^fallback_([2-9]|1[0-9]|20)$/.test(field))
    .map(({ field, meaning, allowed, isRequired }) =>
      field === 'fallback_1'
        ? '| `fallback_1` … `fallback_20` | Models tried after it, by their number. | text of 1 to 100 characters on one line |'
        : `| \`${field}\`${isRequired ? ' (required)' : ''} | ${meaning} | ${allowed.replaceAll('|', '\\|')} |`,
    );
  return `| field | meaning | allowed |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function modalitiesSection(): string {
  const rows = Object.entries(modalitiesByTag).map(
    ([tag, { input, output }]) => `| \`${tag}\` | ${input.join(', ')} | ${output.join(', ')} |`,
  );
  return `## What goes in and comes out, by tag

Used where a model does not state \`modalities\`; with several tags, all of theirs together. Any other tag means text in
and text out.

| tag | in | out |
|---|---|---|
${rows.join('\n')}
`;
}
