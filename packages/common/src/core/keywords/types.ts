/** Which JSON types a value can have by a schema. */
import { isObject, type JsonObject } from '../json/value';
import { IN_PLACE_WORDS, JSON_TYPES, WORDS_OF_TYPE, type JsonType } from './words';

/** A set of JSON types without null. Where `number` is in it, `integer` is not. */
export type Types = ReadonlySet<JsonType>;

export const ALL_TYPES: Types = new Set(JSON_TYPES.filter((type) => type !== 'integer'));

const KNOWN: ReadonlySet<unknown> = new Set(JSON_TYPES);

export function typesIn(names: Iterable<JsonType>): Types {
  const types = new Set(names);
  if (types.has('number')) types.delete('integer');
  return types;
}

export function commonTypes(a: Types, b: Types): Types {
  const common = new Set<JsonType>();
  for (const type of a) {
    if (b.has(type)) common.add(type);
    else if (type === 'integer' && b.has('number')) common.add('integer');
    else if (type === 'number' && b.has('integer')) common.add('integer');
  }
  return typesIn(common);
}

export function joinedTypes(all: Iterable<Types>): Types {
  return typesIn([...all].flatMap((types) => [...types]));
}

export function isAllTypes(types: Types): boolean {
  return types.size === ALL_TYPES.size;
}

/** The types that the word `type` names; undefined where it is missing or not a list of JSON's types. */
export function statedTypes(type: unknown): Types | undefined {
  const names: readonly unknown[] = Array.isArray(type) ? type : [type];
  if (type === undefined || !names.every((name) => KNOWN.has(name) || name === 'null')) return undefined;
  return typesIn(names.filter((name): name is JsonType => name !== 'null'));
}

/** The JSON type of a value as JSON.parse gives it; undefined for null. */
export function typeOfValue(value: unknown): JsonType | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return Array.isArray(value) ? 'array' : 'object';
}

function typesOfValues(values: readonly unknown[]): Types {
  return typesIn(values.flatMap((value) => typeOfValue(value) ?? []));
}

/** Gives the schema that a subschema stands for, with its references followed and its allOf merged. */
export type Collapse = (schema: unknown) => JsonObject;

/** What was found of collapsed schemas, which never change: branches may lead to the same ones many times. */
const POSSIBLE = new WeakMap<JsonObject, Types>();
const IMPLIED = new WeakMap<JsonObject, JsonType | 'none'>();

/**
 * The types that values can have by a collapsed schema, and perhaps a few more: what `not` leaves out is not looked at, and every
 * type counts where a schema leads back to itself.
 */
export function possibleTypes(schema: JsonObject, collapse: Collapse): Types {
  const known = POSSIBLE.get(schema);
  if (known !== undefined) return known;
  POSSIBLE.set(schema, ALL_TYPES);
  const types = typesByWords(schema, collapse);
  POSSIBLE.set(schema, types);
  return types;
}

function typesByWords(schema: JsonObject, collapse: Collapse): Types {
  let types = statedTypes(schema['type']) ?? ALL_TYPES;
  if (Array.isArray(schema['enum'])) types = commonTypes(types, typesOfValues(schema['enum']));
  if (Object.hasOwn(schema, 'const')) types = commonTypes(types, typesOfValues([schema['const']]));
  const inner = (one: unknown) => possibleTypes(collapse(one), collapse);
  for (const word of ['anyOf', 'oneOf']) {
    const branches = schema[word];
    if (Array.isArray(branches) && branches.length > 0) types = commonTypes(types, joinedTypes(branches.map(inner)));
  }
  if (Array.isArray(schema['allOf'])) {
    for (const one of schema['allOf'] as unknown[]) types = commonTypes(types, inner(one));
  }
  if (isObject(schema['if']) && isObject(schema['then']) && isObject(schema['else'])) {
    types = commonTypes(types, joinedTypes([inner(schema['then']), inner(schema['else'])]));
  }
  return types;
}

/**
 * The type that the words of a schema are about where it states none: `properties` speaks of objects. undefined where there are
 * no such words, or words of several types.
 */
export function impliedType(schema: JsonObject, collapse: Collapse): JsonType | undefined {
  const known = IMPLIED.get(schema);
  if (known !== undefined) return known === 'none' ? undefined : known;
  IMPLIED.set(schema, 'none');
  const type = typeOfWords(schema, collapse);
  IMPLIED.set(schema, type ?? 'none');
  return type;
}

function typeOfWords(schema: JsonObject, collapse: Collapse): JsonType | undefined {
  const implied = new Set<JsonType>();
  for (const word of Object.keys(schema)) {
    const type = WORDS_OF_TYPE.get(word);
    if (type !== undefined && word !== 'format') implied.add(type);
  }
  if (typeof schema['format'] === 'string') implied.add('string');
  for (const word of IN_PLACE_WORDS) {
    const value = schema[word];
    if (word === 'not' || word === 'if') continue;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (!isObject(one)) continue;
      const branch = collapse(one);
      const type = statedTypes(branch['type']) === undefined ? impliedType(branch, collapse) : undefined;
      if (type !== undefined) implied.add(type);
    }
  }
  return implied.size === 1 ? [...implied][0] : undefined;
}
