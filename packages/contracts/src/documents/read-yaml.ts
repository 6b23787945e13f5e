import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseAllDocuments,
  CST,
  type Node,
  type Pair,
} from 'yaml';
import { quote } from './problem.ts';

/** Bounds of a YAML file, against files that are made to exhaust a reader. */
export const yamlLimits = {
  depth: 32,
  problems: 100,
} as const;

/** A YAML document as plain data, with the line of each of its parts. */
export interface YamlDocument {
  readonly value: unknown;
  readonly line: number;
  /** Line of a part: `['limits', 'rpm']`; of the nearest part around it where there is no such part. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A problem in a YAML file, with its line. */
export interface YamlProblem {
  readonly line: number;
  readonly field: string;
  readonly message: string;
}

/** A YAML file as it was read. */
export interface YamlText {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly YamlProblem[];
}

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** In these fields a number is meant as it is written: version 1.10 is not 1.1. */
const textFields: ReadonlySet<PropertyKey> = new Set([
  'name',
  'version',
  'provider_model',
  'client',
  'aliases',
  'tags',
]);
/** Indicators on one line outside of brackets that each open a level: `- - - -`. */
const maxIndicators = 2 * yamlLimits.depth;

/**
 * Reads YAML 1.2, and JSON, which is a part of it. Merge keys, aliases, tags of one's own and directives are refused;
 * so are keys that would reach into the prototype. Time and depth are bounded whatever the text. Never throws.
 */
export function readYaml(text: string, firstLine = 1): YamlText {
  const refused = refuseUnbounded(text, firstLine);
  if (refused) return { documents: [], problems: [refused] };
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line + firstLine - 1;
  try {
    const parsed = parseAllDocuments(text, {
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: lines,
      logLevel: 'silent',
    });
    const problems: YamlProblem[] = [];
    const documents: YamlDocument[] = [];
    for (const document of parsed) {
      for (const { pos, message } of [...document.errors, ...document.warnings])
        problems.push({
          line: lineAt(pos[0]),
          field: '',
          message: `cannot be read: ${message}`,
        });
      if (document.errors.length > 0 || document.contents === null) continue;
      const reader = new NodeReader(lineAt);
      const value = reader.read(document.contents, [], 1);
      problems.push(...reader.problems);
      if (reader.problems.length === 0 && value !== null)
        documents.push(new ReadDocument(value, reader.lines, lineAt(document.contents.range?.[0] ?? 0)));
    }
    return { documents, problems };
  } catch (error) {
    // The parser promises not to throw; what it does on text made to break it is still one problem of this file.
    return {
      documents: [],
      problems: [
        {
          line: firstLine,
          field: '',
          message: `cannot be read: ${(error as Error).message.slice(0, 200)}`,
        },
      ],
    };
  }
}

/** A text cut at its document markers: YAML allows no `---` at the start of a line inside a document. */
export function yamlParts(text: string): readonly { readonly text: string; readonly line: number }[] {
  let line = 1;
  return text.split(/^(?=---(?:\s|$))/m).map((part) => {
    const at = line;
    line += part.split('\n').length - 1;
    return { text: part, line: at };
  });
}

/** Looks at the bare words first: what would make the parser recurse deeply never reaches it. */
function refuseUnbounded(text: string, firstLine: number): YamlProblem | undefined {
  let line = firstLine;
  let brackets = 0;
  let indicators = 0;
  const refuse = (message: string): YamlProblem => ({
    line,
    field: '',
    message,
  });
  try {
    for (const token of new Lexer().lex(text)) {
      switch (CST.tokenType(token)) {
        case 'flow-map-start':
        case 'flow-seq-start':
          if ((brackets += 1) > yamlLimits.depth) return refuse(`is nested deeper than ${yamlLimits.depth} levels`);
          break;
        case 'flow-map-end':
        case 'flow-seq-end':
          brackets = Math.max(0, brackets - 1);
          break;
        case 'seq-item-ind':
        case 'explicit-key-ind':
        case 'map-value-ind':
          if (brackets === 0 && (indicators += 1) > maxIndicators)
            return refuse(`is nested deeper than ${yamlLimits.depth} levels`);
          break;
        case 'doc-start':
          brackets = 0;
          break;
        case 'directive-line':
          return refuse(`${quote(token)} is a directive; directives are not allowed`);
        case 'alias':
        case 'anchor':
          return refuse(`${quote(token)} is an anchor or alias; write the value out`);
        case 'tag':
          return refuse(`${quote(token)} is a tag; tags are not allowed`);
        case 'newline':
          indicators = 0;
          break;
        default:
      }
      for (let at = token.indexOf('\n'); at !== -1; at = token.indexOf('\n', at + 1)) line += 1;
    }
  } catch (error) {
    return refuse(`cannot be read: ${(error as Error).message.slice(0, 200)}`);
  }
  return undefined;
}

class ReadDocument implements YamlDocument {
  readonly value: unknown;
  readonly line: number;
  readonly #lines: ReadonlyMap<string, number>;

  constructor(value: unknown, lines: ReadonlyMap<string, number>, line: number) {
    this.value = value;
    this.#lines = lines;
    this.line = line;
  }

  lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length -= 1) {
      const line = this.#lines.get(pathKey(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return this.line;
  }
}

const pathKey = (path: readonly PropertyKey[]): string => path.map(String).join('\0');

/** Makes plain data of the parser's nodes and remembers where each part stood. */
class NodeReader {
  readonly problems: YamlProblem[] = [];
  readonly lines = new Map<string, number>();
  readonly #lineAt: (offset: number) => number;

  constructor(lineAt: (offset: number) => number) {
    this.#lineAt = lineAt;
  }

  read(node: unknown, path: readonly PropertyKey[], depth: number): unknown {
    if (depth > yamlLimits.depth) return this.#refuse(node, path, `is nested deeper than ${yamlLimits.depth} levels`);
    if (node === null || node === undefined) return null;
    if (isAlias(node)) return this.#refuse(node, path, 'is an alias; write the value out');
    if (isScalar(node)) return this.#scalar(node, path);
    if (isSeq(node)) return node.items.map((item, index) => this.#item(item, [...path, index], depth));
    if (isMap(node)) return this.#map(node.items as readonly Pair[], path, depth);
    return this.#refuse(node, path, 'must be text, a number, yes or no, a list or a map');
  }

  #item(item: unknown, path: readonly PropertyKey[], depth: number): unknown {
    this.lines.set(pathKey(path), this.#lineOf(item));
    return this.read(item, path, depth + 1);
  }

  #scalar(node: { value: unknown; source?: string }, path: readonly PropertyKey[]): unknown {
    const field = typeof path.at(-1) === 'number' ? path.at(-2) : path.at(-1);
    if (typeof node.value === 'number' && node.source !== undefined && field !== undefined && textFields.has(field))
      return node.source;
    return node.value;
  }

  #map(pairs: readonly Pair[], path: readonly PropertyKey[], depth: number): unknown {
    const result: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        this.#refuse(key, path, 'a field must have a plain name');
        continue;
      }
      const name = String(key.source ?? key.value);
      const at = [...path, name];
      if (forbiddenKeys.has(name)) this.#refuse(key, path, `field ${quote(name)} is not allowed anywhere`);
      else if (Object.hasOwn(result, name)) this.#refuse(key, at, 'is written twice');
      else {
        this.lines.set(pathKey(at), this.#lineOf(key));
        result[name] = this.read(value, at, depth + 1);
      }
    }
    return result;
  }

  #refuse(node: unknown, path: readonly PropertyKey[], message: string): null {
    if (this.problems.length < yamlLimits.problems)
      this.problems.push({
        line: this.#lineOf(node),
        field: fieldOf(path),
        message,
      });
    return null;
  }

  #lineOf(node: unknown): number {
    const range = (node as Node | null | undefined)?.range;
    return this.#lineAt(range?.[0] ?? 0);
  }
}

/** `['aliases', 0]` as people read it: `aliases[0]`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  let field = '';
  for (const part of path)
    field += typeof part === 'number' ? `[${part}]` : `${field === '' ? '' : '.'}${String(part).slice(0, 80)}`;
  return field;
}

/** The other way round. */
export const pathOf = (field: string): PropertyKey[] =>
  field === ''
    ? []
    : field.split(/\.|(?=\[)/).map((part) => (/^\[\d+\]$/.test(part) ? Number(part.slice(1, -1)) : part));
