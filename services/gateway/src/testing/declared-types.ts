import type { Schema } from './random-values.ts';

/** Interfaces and type aliases of a declaration file as JSON schemas: what the SDKs' own types say of a request. */
export function schemasOfTypes(source: string): Record<string, Schema> {
  const text = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/[^\n]*/g, '');
  const schemas: Record<string, Schema> = {};
  for (const [, name = '', base, at] of matches(
    text,
    /(?:export )?(?:declare )?interface (\w+)(?: extends ([\w.]+))?\s*\{/g,
  )) {
    const own = new TypeReader(text, at - 1).type();
    schemas[name] = base ? { allOf: [{ $ref: base }, own] } : own;
  }
  for (const [, name = '', , at] of matches(text, /export (?:declare )?type (\w+)()\s*=/g))
    schemas[name] ??= new TypeReader(text, at).type();
  return schemas;
}

const matches = (
  text: string,
  pattern: RegExp,
): (readonly [string, string | undefined, string | undefined, number])[] =>
  [...text.matchAll(pattern)].map((found) => [found[0], found[1], found[2], found.index + found[0].length] as const);

/** Reads one type from a place in a text. */
class TypeReader {
  readonly #text: string;
  #at: number;
  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  type(): Schema {
    this.#take('|');
    const branches = [this.#suffixed()];
    while (this.#take('|')) branches.push(this.#suffixed());
    return branches.length === 1 ? (branches[0] as Schema) : { anyOf: branches };
  }

  #suffixed(): Schema {
    let made = this.#single();
    while (this.#take('[]')) made = { type: 'array', items: made };
    return made;
  }

  #single(): Schema {
    if (this.#take('(')) return this.#closed(')');
    if (this.#take('{')) return this.#members();
    const literal = this.#match(/'([^']*)'/y);
    if (literal) return { const: literal[1] };
    const word = this.#match(/[\w.]+/y)?.[0] ?? '';
    if (word === 'Array' && this.#take('<')) return { type: 'array', minItems: 1, items: this.#closed('>') };
    if (this.#take('<')) return this.#argument();
    return simple[word] ?? { $ref: word };
  }

  /** Of a generic type only its first argument is looked at. */
  #argument(): Schema {
    const made = this.type();
    while (this.#take(',')) this.type();
    this.#take('>');
    return made;
  }

  #closed(end: string): Schema {
    const made = this.type();
    this.#take(end);
    return made;
  }

  #members(): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    while (!this.#take('}')) {
      const index = this.#match(/\[\w+: string\]:/y);
      const field = index ?? this.#match(/(?:readonly )?'?([\w-]+)'?(\?)?:/y);
      if (!field) throw new Error(`no member at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 40))}`);
      const type = this.type();
      this.#take(';');
      if (index) continue;
      properties[field[1] as string] = type;
      if (field[2] === undefined) required.push(field[1] as string);
    }
    return { type: 'object', properties, required };
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #take(word: string): boolean {
    this.#space();
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}

const simple: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  number: { type: 'integer', minimum: 1, maximum: 5_000 },
  boolean: { type: 'boolean' },
  null: { type: 'null' },
  true: { const: true },
  false: { const: false },
  unknown: {},
};
