import { documentKinds, nearestNames, type AnyDocument, type DocumentKind } from '@will/core';
import type { z } from 'zod';
import { isFence, isSpecificationNotation, readSections, type Section } from './notation.ts';
import { quote, type DocumentProblem } from './problem.ts';
import { fieldOf, pathOf, readYaml, yamlLimits, yamlParts, type YamlDocument } from './read-yaml.ts';
import { documentSchemas } from './schemas.ts';

/** A file of documents is at most so large. */
export const maxFileBytes = 16 * 1024 * 1024;
/** A file holds at most so many documents. */
export const maxFileDocuments = 100_000;

/** A document with its place in its file. */
export interface ParsedDocument {
  readonly document: AnyDocument;
  readonly path: string;
  readonly line: number;
  /** False: its slug is made from its name, and the name may have got another one before. */
  readonly isSlugStated: boolean;
  /** Line of one of its fields: `limits.rpm`; of the document where that field is not written. */
  lineOf(field: string): number;
}

/** Documents and problems of one file. */
export interface ParsedFile {
  readonly documents: readonly ParsedDocument[];
  /** All that is wrong with the file, in the order of its lines. */
  readonly problems: readonly DocumentProblem[];
}

type ListName = 'models' | 'routes' | 'task_types' | 'clients' | 'projects' | 'reflexes' | 'schedules';
const lists: Readonly<Record<ListName, DocumentKind>> = {
  models: 'model',
  routes: 'route',
  task_types: 'task_type',
  clients: 'client',
  projects: 'project',
  reflexes: 'reflex',
  schedules: 'schedule',
};
const notationKinds: readonly string[] = ['route', 'client', 'project', 'reflex'];

/**
 * Reads a file of documents: YAML or JSON with one document per `---` (`kind: model`, …) or with lists (`models:`, …),
 * or the specification's own notation. Collects everything that is wrong and never throws.
 */
export const parseDocuments = (path: string, text: string): ParsedFile => drained(parsing(path, text));

/** Runs a generator of steps to its end at once, and yields its result. */
export function drained<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** As {@link parseDocuments}, document by document, so that the one that reads a large file can do other work between. */
export function* parsing(path: string, text: string): Generator<void, ParsedFile> {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > maxFileBytes)
    return {
      documents: [],
      problems: [
        {
          path,
          line: 1,
          field: '',
          message: `${bytes} bytes exceed the ${maxFileBytes} of a file`,
        },
      ],
    };
  const file = new FileReading(path);
  const withoutMark = text.replace(/^\uFEFF/, '');
  yield* isSpecificationNotation(withoutMark) ? file.readNotation(withoutMark) : file.readYaml(withoutMark);
  return { documents: file.documents, problems: file.sortedProblems() };
}

class FileReading {
  readonly documents: ParsedDocument[] = [];
  readonly #path: string;
  readonly #problems: DocumentProblem[] = [];
  #left = 0;

  constructor(path: string) {
    this.#path = path;
  }

  sortedProblems(): readonly DocumentProblem[] {
    const sorted = this.#problems.sort((a, b) => a.line - b.line);
    if (this.#left > 0)
      sorted.push({
        path: this.#path,
        line: sorted.at(-1)?.line ?? 1,
        field: '',
        message: `and ${this.#left} more problems`,
      });
    return sorted;
  }

  *readYaml(text: string): Generator<void, void> {
    const parts = yamlParts(withoutFences(text));
    if (parts.length > maxFileDocuments) return this.#tooMany();
    for (const part of parts) {
      const { documents, problems } = readYaml(part.text, part.line);
      for (const problem of problems) this.#problem(problem.line, problem.field, problem.message);
      for (const document of documents) this.#readValue(document, document.value, []);
      yield;
    }
  }

  *readNotation(text: string): Generator<void, void> {
    const sections = readSections(text);
    if (sections.length > maxFileDocuments) return this.#tooMany();
    for (const section of sections) {
      this.#readSection(section);
      yield;
    }
  }

  #tooMany(): void {
    this.#problem(1, '', `holds more than ${maxFileDocuments} documents`);
  }

  #readSection(section: Section): void {
    const { kind, name, line } = section;
    if (!notationKinds.includes(kind)) {
      const named = quote(`${kind}:${name}`);
      return this.#problem(
        line,
        '',
        `[${named.slice(1, -1)}] must be [task type], [client:name], [project:name] or [reflex:name]`,
      );
    }
    const { documents, problems } = readYaml(section.text, line + 1);
    for (const problem of problems) this.#problem(problem.line, problem.field, problem.message);
    if (problems.length > 0) return;
    if (documents.length > 1) return this.#problem(documents[1]?.line ?? line, '', 'a section holds one document');
    const source = documents[0];
    const body = source?.value ?? {};
    if (!isMap(body)) return this.#problem(source?.line ?? line, '', `${quote(body)} must be fields of the ${kind}`);
    if ('name' in body) return this.#problem(source?.lineOf(['name']) ?? line, 'name', 'stands in the heading already');
    this.#readDocument(kind as DocumentKind, { name, ...body }, line, (path) =>
      path[0] === 'name' ? line : (source?.lineOf(path) ?? line),
    );
  }

  #readValue(source: YamlDocument, value: unknown, at: readonly PropertyKey[]): void {
    const line = source.lineOf(at);
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.#readKinded(source, item, [...at, index]);
    } else if (
      isMap(value) &&
      !('kind' in value) &&
      Object.keys(value).some((key) => Object.hasOwn(lists, key) || key === 'settings')
    ) {
      this.#readLists(source, value);
    } else if (isMap(value)) {
      this.#readKinded(source, value, at);
    } else {
      this.#problem(line, '', `${quote(value)} must be a document: a map with kind, or lists such as models`);
    }
  }

  #readLists(source: YamlDocument, value: Readonly<Record<string, unknown>>): void {
    for (const [key, list] of Object.entries(value)) {
      const line = source.lineOf([key]);
      if (key === 'settings') this.#readBody(source, 'settings', list, [key]);
      else if (!Object.hasOwn(lists, key))
        this.#problem(line, key, unknownField(key, [...Object.keys(lists), 'settings']));
      else if (!Array.isArray(list)) this.#problem(line, key, `${quote(list)} must be a list`);
      else
        for (const [index, item] of list.entries()) this.#readBody(source, lists[key as ListName], item, [key, index]);
    }
  }

  #readKinded(source: YamlDocument, value: unknown, at: readonly PropertyKey[]): void {
    const line = source.lineOf(at);
    if (!isMap(value)) return this.#problem(line, fieldOf(at), `${quote(value)} must be a map with kind`);
    const { kind } = value;
    const known = documentKinds.find(
      (candidate) => typeof kind === 'string' && candidate === kind.trim().toLowerCase(),
    );
    if (known) return this.#readBody(source, known, value, at);
    const what = kind === undefined ? 'is missing; it' : quote(kind);
    this.#problem(
      source.lineOf([...at, 'kind']),
      fieldOf([...at, 'kind']),
      `${what} must be one of ${documentKinds.join(', ')}`,
    );
  }

  #readBody(source: YamlDocument, kind: DocumentKind, value: unknown, at: readonly PropertyKey[]): void {
    const lineOf = (path: readonly PropertyKey[]): number => source.lineOf([...at, ...path]);
    if (!isMap(value))
      return this.#problem(lineOf([]), fieldOf(at), `${quote(value)} must be a map of the fields of a ${kind}`);
    const { kind: stated, ...body } = value;
    if (stated !== undefined && String(stated).trim().toLowerCase() !== kind)
      return this.#problem(lineOf(['kind']), fieldOf([...at, 'kind']), `${quote(stated)} must be ${kind} here`);
    this.#readDocument(kind, body, source.lineOf(at), lineOf);
  }

  #readDocument(
    kind: DocumentKind,
    body: Readonly<Record<string, unknown>>,
    line: number,
    lineOf: (path: readonly PropertyKey[]) => number,
  ): void {
    const read = documentSchemas[kind].safeParse(body);
    if (!read.success) {
      for (const { path, message } of problemsOf(read.error)) this.#problem(lineOf(path), fieldOf(path), message);
      return;
    }
    this.documents.push({
      document: { kind, body: read.data } as AnyDocument,
      path: this.#path,
      line,
      isSlugStated: body['slug'] !== undefined,
      lineOf: (field) => lineOf(pathOf(field)),
    });
  }

  #problem(line: number, field: string, message: string): void {
    if (this.#problems.length < yamlLimits.problems) this.#problems.push({ path: this.#path, line, field, message });
    else this.#left += 1;
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A whole file that was pasted with its fences. */
const withoutFences = (text: string): string =>
  /^\s*(?:```|~~~)/.test(text)
    ? text
        .split('\n')
        .map((line) => (isFence(line) ? '' : line))
        .join('\n')
    : text;

interface FieldProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function problemsOf(error: z.ZodError): readonly FieldProblem[] {
  return error.issues.flatMap((issue): FieldProblem[] => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
    // The schema's message is the list of its fields.
    const allowed = issue.message.split(' ');
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: unknownField(key, allowed),
    }));
  });
}

function unknownField(key: string, allowed: readonly string[]): string {
  const near = nearestNames(key, allowed);
  const hint = near.length > 0 ? `nearest: ${near.join(', ')}` : `allowed: ${allowed.join(', ')}`;
  return `unknown field ${quote(key)}; ${hint}`;
}
