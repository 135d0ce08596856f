/** References within the normal form: each leads to a member of `$defs`, which holds what it led to in the author's file. */
import { isObject, type JsonObject } from '../json/value';
import { SCHEMA_IN, SCHEMAS_BY_NAME, SCHEMAS_IN_LIST } from '../keywords/words';

/** Gives what a reference leads to; undefined where a problem says that it leads nowhere. */
export type Resolver = (ref: string, from: object) => JsonObject | boolean | undefined;

/** Words that name a place or a dialect, and have no meaning once references lead to `$defs` alone. */
export const PLACES: ReadonlySet<string> = new Set([
  '$id',
  '$anchor',
  '$dynamicAnchor',
  '$schema',
  '$vocabulary',
  '$defs',
]);

const JUDGING: readonly string[] = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', 'contains'];

/** A subschema in which nothing judges members or elements beside it says of additional ones what it says of unevaluated ones. */
function closed(schema: JsonObject): JsonObject {
  if (JUDGING.some((word) => Object.hasOwn(schema, word))) return schema;
  const renamed = ([word, value]: readonly [string, unknown]): readonly [string, unknown] => {
    if (word === 'unevaluatedProperties' && !Object.hasOwn(schema, 'additionalProperties'))
      return ['additionalProperties', value];
    return word === 'unevaluatedItems' && !Object.hasOwn(schema, 'items') ? ['items', value] : [word, value];
  };
  return Object.fromEntries(Object.entries(schema).map(renamed));
}

export class References {
  readonly #names = new Map<object, string>();
  readonly #taken = new Set<string>();
  readonly #defs = new Map<string, unknown>();
  readonly #places = new WeakMap<object, string>();

  /** @param nameOf the name that `$defs` of the author's file has for a node; undefined for nodes elsewhere */
  constructor(
    private readonly resolve: Resolver,
    private readonly nameOf: (node: object) => string | undefined,
    private readonly origin: (node: object) => string | undefined,
  ) {}

  /** Where a copied schema stands in the author's file. */
  placeOf(copy: object): string | undefined {
    return this.#places.get(copy);
  }

  /** A copy of what stands under a word of a schema, with the subschemas in it as the normal form has them. */
  within(word: string, value: unknown): unknown {
    if (SCHEMA_IN.has(word)) return this.subschema(value);
    if (SCHEMAS_IN_LIST.has(word) && Array.isArray(value))
      return (value as unknown[]).map((one) => this.subschema(one));
    if (SCHEMAS_BY_NAME.has(word) && isObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.subschema(one)]));
    }
    return value;
  }

  subschema(schema: unknown): unknown {
    if (!isObject(schema)) return schema;
    const copy = this.#copied(schema);
    const place = this.origin(schema);
    if (place !== undefined) this.#places.set(copy, place);
    return copy;
  }

  #copied(schema: JsonObject): JsonObject {
    const words = Object.entries(closed(schema)).filter(([word]) => !PLACES.has(word));
    const copied = words.map(([word, value]): [string, unknown] => [word, this.within(word, value)]);
    const ref = schema['$ref'];
    const target = typeof ref === 'string' ? this.resolve(ref, schema) : undefined;
    if (target === undefined) return Object.fromEntries(copied);
    if (typeof target === 'boolean') {
      const rest = Object.fromEntries(copied.filter(([word]) => word !== '$ref'));
      return target ? rest : { ...rest, not: {} };
    }
    const led = `#/$defs/${this.#define(target)}`;
    return Object.fromEntries(copied.map(([word, value]) => [word, word === '$ref' ? led : value]));
  }

  #define(target: JsonObject): string {
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    const wanted = (this.nameOf(target) ?? 'schema').replace(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 80);
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n += 1) name = `${wanted}_${n}`;
    this.#taken.add(name);
    this.#names.set(target, name);
    // It may lead to itself, so it has its name before it is copied.
    this.#defs.set(name, undefined);
    this.#defs.set(name, this.subschema(target));
    return name;
  }

  /** What the references given so far lead to; undefined without any. */
  definitions(): JsonObject | undefined {
    return this.#defs.size === 0 ? undefined : Object.fromEntries(this.#defs);
  }
}
