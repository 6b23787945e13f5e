import { compileSnapshot, nameKey, unworkableIn, type AnyDocument, type CompileProblem } from '@will/core';
import { drained, parsing, type ParsedDocument, type ParsedFile } from './parse-documents.ts';
import { quote, type DocumentProblem } from './problem.ts';

/** A file as its operator wrote it. */
export interface DocumentText {
  readonly path: string;
  readonly text: string;
}

/** Documents of several files, with the problems among them. */
export interface GatheredDocuments {
  /** By {@link keyOfDocument}. Of two with one key the first. */
  readonly documents: ReadonlyMap<string, ParsedDocument>;
  readonly problems: readonly DocumentProblem[];
}

/** The key by which two documents are the same one. */
export const keyOfDocument = ({ kind, body }: AnyDocument): string => `${kind}:${body.slug}`;

/**
 * The documents of several files, each once; and everything that is wrong with the files. Never throws.
 * @param settle gives a document the slug that it was stored with.
 */
export const gatherDocuments = (
  files: readonly DocumentText[],
  settle?: (document: ParsedDocument) => ParsedDocument,
): GatheredDocuments => drained(gathering(files, settle));

/** As {@link gatherDocuments}, document by document. */
export function* gathering(
  files: readonly DocumentText[],
  settle: (document: ParsedDocument) => ParsedDocument = (document) => document,
): Generator<void, GatheredDocuments> {
  const parsed: ParsedFile[] = [];
  for (const { path, text } of files) parsed.push(yield* parsing(path, text));
  const documents = new Map<string, ParsedDocument>();
  const problems = parsed.flatMap((file) => file.problems);
  for (const document of parsed.flatMap((file) => file.documents).map(settle)) {
    const key = keyOfDocument(document.document);
    const other = documents.get(key);
    if (other) problems.push(twice(document, other));
    else documents.set(key, document);
  }
  return { documents, problems };
}

/** Slugs are given once: a document that states none keeps the one its name was stored with. */
export function keepSlugs(stored: readonly AnyDocument[]): (parsed: ParsedDocument) => ParsedDocument {
  const slugs = new Map(stored.map(({ kind, body }) => [keyOfName(kind, body.name), body.slug]));
  return (parsed) => {
    const { kind, body } = parsed.document;
    const slug = parsed.isSlugStated ? undefined : slugs.get(keyOfName(kind, body.name));
    return slug === undefined ? parsed : { ...parsed, document: { kind, body: { ...body, slug } } as AnyDocument };
  };
}

const keyOfName = (kind: string, name: string): string => `${kind}:${nameKey(name)}`;

/** Gives a problem its place: a document that does not fit the others. What no file holds is told as stored. */
export function placeProblem(
  { kind, slug, field, message }: CompileProblem,
  documents: ReadonlyMap<string, ParsedDocument>,
): DocumentProblem {
  const source = documents.get(`${kind}:${slug}`);
  if (source) return { path: source.path, line: source.lineOf(field), field, message };
  return { path: `stored ${kind} ${slug}`, line: 1, field, message };
}

/**
 * Everything that is wrong with files that must be whole in themselves: each document, and how they fit together.
 * Documents are fitted only when each is right by itself, as when they are applied.
 */
export function validateDocuments(files: readonly DocumentText[]): {
  readonly documents: number;
  readonly problems: readonly DocumentProblem[];
} {
  const { documents, problems } = gatherDocuments(files);
  if (problems.length > 0) return { documents: documents.size, problems };
  const compiled = compileSnapshot(
    1,
    [...documents.values()].map(({ document }) => document),
  );
  const misfits = 'problems' in compiled ? compiled.problems : unworkableIn(compiled.snapshot);
  return { documents: documents.size, problems: misfits.map((problem) => placeProblem(problem, documents)) };
}

/** `client "a b" has the slug a-b, which client "a-b" has already; give one of them another slug`. */
export const slugTaken = ({ kind, body }: AnyDocument, other: AnyDocument): string =>
  `${kind} ${quote(body.name)} has the slug ${body.slug}, which ${kind} ${quote(other.body.name)} has already; give one of them another slug`;

function twice({ document, path, line }: ParsedDocument, other: ParsedDocument): DocumentProblem {
  const { kind, body } = document;
  const message =
    nameKey(body.name) === nameKey(other.document.body.name)
      ? `${kind} ${body.slug} stands in ${other.path}:${other.line} already`
      : `${slugTaken(document, other.document)} (${other.path}:${other.line})`;
  return { path, line, field: '', message };
}
