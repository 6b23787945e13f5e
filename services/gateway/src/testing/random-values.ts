/** A JSON schema, as far as it is made values of. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** Random values of schemas; one seed makes the same ones again. */
export class RandomValues {
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #below: (bound: number) => number;
  /** A value for a field by its name, where the schema alone does not say what is valid. */
  readonly #named: Readonly<Record<string, (below: (bound: number) => number) => unknown>>;

  constructor(schemas: Readonly<Record<string, Schema>>, seed: number, named: RandomValues['namedValues'] = {}) {
    this.#schemas = schemas;
    this.#below = random(seed);
    this.#named = named;
  }

  declare readonly namedValues: Readonly<Record<string, (below: (bound: number) => number) => unknown>>;

  /** `optional`: how many of a hundred optional fields are there. */
  of(schema: Schema, optional: number, depth = 0): unknown {
    if (schema.$ref !== undefined) return this.of(this.#resolved(schema.$ref), optional, depth);
    if (schema.allOf) return this.#joined(schema, optional, depth);
    const branches = schema.oneOf ?? schema.anyOf;
    if (branches) return this.of(this.#one(branches), optional, depth);
    if (schema.enum) return this.#one(schema.enum);
    if (schema.const !== undefined) return schema.const;
    const type = typeof schema.type === 'object' ? this.#one(schema.type) : schema.type;
    if (type === 'null') return null;
    if (type === 'boolean') return this.#below(2) === 0;
    if (type === 'integer' || type === 'number') return this.#number(schema, type === 'integer');
    if (type === 'array') return this.#list(schema, optional, depth);
    if (type === 'object' || schema.properties) return this.#object(schema, optional, depth);
    return type === 'string' ? this.#text(schema) : { any: 'thing' };
  }

  #resolved(ref: string): Schema {
    const found = this.#schemas[ref.split(/[/.]/).at(-1) ?? ''];
    if (!found) throw new Error(`${ref} is no schema`);
    return found;
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #joined({ allOf = [] }: Schema, optional: number, depth: number): unknown {
    return Object.assign({}, ...allOf.map((part) => this.of(part, optional, depth) as object)) as object;
  }

  #number({ minimum = 1, maximum = minimum + 1_000 }: Schema, isWhole: boolean): number {
    const [low, high] = [Math.max(minimum, -1e6), Math.min(maximum, 1e6)];
    const value = low + ((high - low) * this.#below(1_001)) / 1_000;
    return isWhole ? Math.round(value) : value;
  }

  #list({ items = {}, minItems = 0, maxItems = minItems + 3 }: Schema, optional: number, depth: number): unknown[] {
    const most = depth > 6 ? minItems : Math.min(maxItems, minItems + 3);
    const length = minItems + this.#below(most - minItems + 1);
    return Array.from({ length }, () => this.of(items, optional, depth + 1));
  }

  #object({ properties = {}, required = [], additionalProperties }: Schema, optional: number, depth: number): object {
    const made: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(properties)) {
      if (!required.includes(name) && (depth > 8 || this.#below(100) >= optional)) continue;
      const named =
        Object.hasOwn(this.#named, name) && schema.type === 'string' && !schema.enum ? this.#named[name] : undefined;
      made[name] = named ? named(this.#below) : this.of(schema, optional, depth + 1);
    }
    if (typeof additionalProperties === 'object' && Object.keys(properties).length === 0)
      made[`key_${this.#below(9)}`] = this.of(additionalProperties, optional, depth + 1);
    return made;
  }

  #text({ pattern, format, minLength = 0, maxLength = 64 }: Schema): string {
    if (format === 'uri') return 'https://example.com/a.png';
    const word = pattern === undefined ? ['word', 'two words', 'ü', '{"a":1}', ''][this.#below(5)] : 'word';
    return (word ?? '').padEnd(minLength, 'x').slice(0, Math.max(minLength, maxLength));
  }
}

/** A small generator whose seed repeats a run. */
function random(seed: number): (bound: number) => number {
  let state = (seed | 0) + 0x9e3779b9;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
