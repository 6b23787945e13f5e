import { subjects, wire, writeDocument } from '@will/contracts';
import {
  ask,
  bodyOf,
  differenceOf,
  documentAt,
  documentOf,
  documentsOf,
  type PreviewWindow,
  previewChange,
  previewWindows,
  versionsOf,
} from '@will/operator';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { roles, route } from '../api/route.ts';
import { kind, name, wholeNumber } from '../api/schemas.ts';
import { Verbatim } from '../api/shown.ts';
import { authorOf, type Viewer } from '../viewer.ts';

const windows = Object.keys(previewWindows) as [PreviewWindow, ...PreviewWindow[]];
const revision = wholeNumber(0, 1e12);
/** A change waits so long until every process confirmed it; a browser that waits longer shows nothing. */
const waitMs = 10_000;
const answerMs = waitMs + 10_000;

const change = z.object({
  /** Why, for the history: required of every change that is made. */
  note: z.string().max(200).default(''),
  dry_run: z.boolean().default(false),
  force: z.boolean().default(false),
  allow_loosening: z.boolean().default(false),
});
const applied = change.extend({
  files: z
    .array(z.object({ path: z.string().min(1).max(200), text: z.string().max(768 * 1024) }))
    .min(1)
    .max(500),
  prune: z.boolean().default(false),
});
type Change = z.infer<typeof change>;

export const documentRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/documents',
    access: roles.readers,
    summary: 'Documents in force',
    query: z.object({ kind: kind.optional() }),
    answer: async ({ query }, { bus }) => {
      const documents = await documentsOf(bus, query.kind ?? '', '');
      return { documents: documents.map(({ json: _json, ...document }) => document) };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/documents/{kind}/{slug}',
    access: roles.readers,
    summary: 'One document, as JSON and as YAML that apply takes, with its versions; `revision`: its text as of then',
    query: z.object({ revision: revision.optional() }),
    answer: async ({ query, parameters }, { bus }) => {
      const named = { kind: kindIn(parameters['kind']), slug: parameters['slug'] ?? '' };
      const [[document], versions] = await Promise.all([
        documentsOf(bus, named.kind, named.slug),
        versionsOf(bus, named, 100),
      ]);
      if (!document) throw new AdminError('not_found', `no ${named.kind} is named ${JSON.stringify(named.slug)}`);
      const { json: _json, ...described } = document;
      const shown = query.revision === undefined ? document : await documentAt(bus, named, query.revision);
      if (!shown) throw new AdminError('not_found', `revision ${query.revision} has no ${named.kind} ${named.slug}`);
      return {
        ...described,
        body: new Verbatim(bodyOf(shown)),
        text: writeDocument(documentOf(shown)),
        versions,
      };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/v1/revisions',
    access: roles.readers,
    summary: 'Revisions, newest first; `before` goes on from a revision',
    query: z.object({ before: revision.default(0), limit: wholeNumber(1, 500).default(100) }),
    answer: async ({ query }, { bus }) => ({
      revisions: await versionsOf(bus, undefined, query.limit, BigInt(query.before)),
    }),
  }),
  route({
    method: 'GET',
    path: '/admin/v1/diff',
    access: roles.readers,
    summary: 'What differs between two revisions, field by field, of one document or of all',
    query: z.object({
      kind: kind.optional(),
      slug: name.optional(),
      from: revision.optional(),
      to: revision.optional(),
    }),
    answer: async ({ query }, { bus }) => {
      if (query.from === undefined && query.slug === undefined)
        throw new AdminError('invalid_request', 'say which document, or from which revision', { param: 'from' });
      return differenceOf(bus, {
        kind: query.kind ?? '',
        slug: query.slug ?? '',
        ...(query.from !== undefined && { from: BigInt(query.from) }),
        ...(query.to !== undefined && { to: BigInt(query.to) }),
      });
    },
  }),
  route({
    method: 'POST',
    path: '/admin/v1/dry-run',
    access: roles.readers,
    summary: 'Checks documents and says what applying them would change; changes nothing',
    body: applied,
    answer: async ({ body, viewer }, { bus }) => apply(bus, { ...body, dry_run: true }, viewer),
  }),
  route({
    method: 'POST',
    path: '/admin/v1/what-if',
    access: roles.readers,
    summary: 'Replays the recorded decisions of a window under these documents: which tasks move, and what they cost',
    body: z.object({ files: applied.shape.files, prune: applied.shape.prune, window: z.enum(windows).default('hour') }),
    answer: async ({ body }, { bus, nowMs }) => previewChange(bus, body, body.window, nowMs()),
  }),
  route({
    method: 'POST',
    path: '/admin/v1/apply',
    access: roles.owners,
    summary: 'Applies documents: all of them or none; a note is required',
    body: applied,
    answer: async ({ body, viewer }, { bus }) => apply(bus, body, viewer),
  }),
  route({
    method: 'POST',
    path: '/admin/v1/rollback',
    access: roles.owners,
    summary: 'Makes a new revision whose documents equal those of an old one; a note is required',
    body: change.extend({ revision: z.number().int().min(1).max(1e12) }),
    answer: async ({ body, viewer }, { bus }) => {
      const question = { revision: BigInt(body.revision), ...onWire(body, viewer) };
      return ask(
        bus,
        subjects.registry('rollback'),
        [wire.RollbackRequestSchema, question],
        wire.ApplyResponseSchema,
        answerMs,
      );
    },
  }),
];

type Asking = Parameters<typeof ask>[0];

const apply = (bus: Asking, body: z.infer<typeof applied>, viewer: Viewer): Promise<wire.ApplyResponse> =>
  ask(
    bus,
    subjects.registry('apply'),
    [wire.ApplyRequestSchema, { files: body.files, prune: body.prune, ...onWire(body, viewer) }],
    wire.ApplyResponseSchema,
    answerMs,
  );

/** @throws {AdminError} a change without a note */
function onWire({ note, dry_run: dryRun, force, allow_loosening: allowLoosening }: Change, viewer: Viewer) {
  if (!dryRun && note.trim() === '')
    throw new AdminError('invalid_request', 'a change needs a note that says why', { param: 'note' });
  return { note, dryRun, force, allowLoosening, author: authorOf(viewer), waitMs: dryRun ? 0 : waitMs };
}

function kindIn(text: string | undefined): z.infer<typeof kind> {
  const parsed = kind.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new AdminError(
    'not_found',
    `kind ${JSON.stringify((text ?? '').slice(0, 40))} must be one of ${kind.options.join(', ')}`,
  );
}
