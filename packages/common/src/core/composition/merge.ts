/** `allOf` without allOf: two schemas that a value must both meet, as one. */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../json/value';
import { commonTypes, statedTypes } from '../keywords/types';
import { JSON_TYPES, ROOT_WORDS, without } from '../keywords/words';

/** Words that mean something only together. */
const GROUPS: readonly (readonly string[])[] = [
  ['if', 'then', 'else'],
  ['contains', 'minContains', 'maxContains'],
  ['items', 'prefixItems'],
  ['patternProperties', 'additionalProperties'],
];
const GROUP_OF: ReadonlyMap<string, readonly string[]> = new Map(
  GROUPS.flatMap((group) => group.map((word) => [word, group] as const)),
);

/** What two values of one word are together; undefined where no one value says the same. */
type Meet = (a: unknown, b: unknown) => unknown;

const numbers =
  (choose: (...values: number[]) => number): Meet =>
  (a, b) =>
    typeof a === 'number' && typeof b === 'number' ? choose(a, b) : undefined;
const greatest = numbers(Math.max);
const least = numbers(Math.min);

const MEETS: ReadonlyMap<string, Meet> = new Map<string, Meet>([
  ['type', meetTypes],
  ['enum', meetValues],
  ['required', joinNames],
  ['properties', (a, b) => (isObject(a) && isObject(b) ? meetProperties(a, b) : undefined)],
  ['dependentRequired', (a, b) => (isObject(a) && isObject(b) ? meetDependent(a, b) : undefined)],
  ['uniqueItems', (a, b) => a === true || b === true],
  ['allOf', (a, b) => (Array.isArray(a) && Array.isArray(b) ? [...(a as unknown[]), ...(b as unknown[])] : undefined)],
  ...['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'].map((word) => [word, greatest] as const),
  ...['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'].map((word) => [word, least] as const),
]);

/** Words that assert something, so that two different values of one cannot just be the first. */
const ASSERTIONS: ReadonlySet<string> = new Set([
  ...MEETS.keys(),
  ...GROUP_OF.keys(),
  'const',
  'multipleOf',
  'pattern',
  'format',
  'propertyNames',
  'dependentSchemas',
  'anyOf',
  'oneOf',
  'not',
  'unevaluatedItems',
  'unevaluatedProperties',
  '$ref',
  '$dynamicRef',
]);

/**
 * One schema that a value meets where it meets both. Of what asserts nothing, the first one's counts. What cannot be put into one
 * value stays as a member of `allOf`.
 */
export function mergeSchemas(a: JsonObject, b: JsonObject): JsonObject {
  const merged = new Map(Object.entries(a));
  const left = new Map<string, unknown>();
  for (const [word, value] of Object.entries(b)) {
    if (ROOT_WORDS.has(word) || left.has(word)) continue;
    const group = GROUP_OF.get(word);
    if (group !== undefined) {
      mergeGroup(group, a, b, merged, left);
      continue;
    }
    if (!Object.hasOwn(a, word)) merged.set(word, value);
    else if (word === 'x-not-enforced') merged.set(word, joinNames(a[word], value) ?? a[word]);
    else if (ASSERTIONS.has(word) && !isDeepStrictEqual(a[word], value)) {
      const met = MEETS.get(word)?.(a[word], value);
      if (met === undefined) left.set(word, value);
      else merged.set(word, met);
    }
  }
  // additionalProperties of one counts only the properties beside it, so it cannot stand beside those of the other.
  const narrow = [a, b].filter((one) => isNarrow(one['additionalProperties']));
  if (narrow.length > 0 && isObject(a['properties'] ?? {}) && (a['properties'] ?? b['properties']) !== undefined) {
    return mergeClosed(a, b);
  }
  if (left.size > 0) {
    const before = merged.get('allOf');
    merged.set('allOf', [...(Array.isArray(before) ? (before as unknown[]) : []), Object.fromEntries(left)]);
  }
  return Object.fromEntries(merged);
}

function isNarrow(additional: unknown): boolean {
  return additional !== undefined && additional !== true && !(isObject(additional) && isEmpty(additional));
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/** The words about members, which a schema that closes its object keeps to itself. */
const OF_MEMBERS: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'additionalProperties']);

/**
 * Merges schemas of which one keeps undeclared members out, or judges them. Which members are undeclared its own properties say, so
 * that part stays apart where the other one declares more.
 */
function mergeClosed(a: JsonObject, b: JsonObject): JsonObject {
  const part = (one: JsonObject, ofMembers: boolean): JsonObject =>
    Object.fromEntries(Object.entries(one).filter(([word]) => OF_MEMBERS.has(word) === ofMembers));
  const [first, second] = [part(a, true), part(b, true)];
  const rest = mergeSchemas(part(a, false), part(b, false));
  if (isEmpty(second) || isDeepStrictEqual(first, second)) return { ...rest, ...first };
  if (isEmpty(first)) return { ...rest, ...second };
  const named = [first, second].map((one) => (isObject(one['properties']) ? one['properties'] : {}));
  const properties = meetProperties(named[0] ?? {}, named[1] ?? {});
  const before = Array.isArray(rest['allOf']) ? (rest['allOf'] as unknown[]) : [];
  const guards = [first, second].flatMap((one, index) => {
    const others = without(one, 'properties');
    if (isEmpty(others)) return [];
    const names = Object.keys(named[index] ?? {});
    return [
      { ...(names.length > 0 && { properties: Object.fromEntries(names.map((name) => [name, true])) }), ...others },
    ];
  });
  const [only] = guards;
  const declaresAll = (guard: JsonObject) =>
    isObject(guard['properties']) && Object.keys(guard['properties']).length === Object.keys(properties).length;
  if (guards.length === 1 && only !== undefined && declaresAll(only)) return { ...rest, ...only, properties };
  return { ...rest, properties, allOf: [...before, ...guards] };
}

function mergeGroup(
  group: readonly string[],
  a: JsonObject,
  b: JsonObject,
  merged: Map<string, unknown>,
  left: Map<string, unknown>,
): void {
  const stated = group.filter((word) => Object.hasOwn(b, word));
  const before = group.filter((word) => Object.hasOwn(a, word));
  if (before.length === 0) for (const word of stated) merged.set(word, b[word]);
  else if (!group.every((word) => isDeepStrictEqual(a[word], b[word]))) {
    for (const word of stated) left.set(word, b[word]);
  }
}

function meetTypes(a: unknown, b: unknown): unknown {
  const [first, second] = [statedTypes(a), statedTypes(b)];
  if (first === undefined || second === undefined) return undefined;
  const both = commonTypes(first, second);
  const named = JSON_TYPES.filter((type) => both.has(type));
  return named.length === 1 ? named[0] : named;
}

function meetValues(a: unknown, b: unknown): unknown {
  if (!Array.isArray(a) || !Array.isArray(b)) return undefined;
  return a.filter((one: unknown) => b.some((other: unknown) => isDeepStrictEqual(one, other)));
}

function joinNames(a: unknown, b: unknown): unknown {
  return Array.isArray(a) && Array.isArray(b)
    ? [...new Set<unknown>([...(a as unknown[]), ...(b as unknown[])])]
    : undefined;
}

function meetProperties(a: JsonObject, b: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(
    names.map((name) => {
      const [one, other] = [a[name], b[name]];
      if (!Object.hasOwn(a, name)) return [name, other];
      return [name, !Object.hasOwn(b, name) || isDeepStrictEqual(one, other) ? one : { allOf: [one, other] }];
    }),
  );
}

function meetDependent(a: JsonObject, b: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.hasOwn(a, name) && Object.hasOwn(b, name)
        ? (joinNames(a[name], b[name]) ?? a[name])
        : (a[name] ?? b[name]),
    ]),
  );
}

/** Whether two schemas take no value in common, by their stated types and values alone. */
export function areApart(a: JsonObject, b: JsonObject): boolean {
  const types = [a, b].map((one) => statedTypes(one['type']));
  if (types[0] !== undefined && types[1] !== undefined && commonTypes(types[0], types[1]).size === 0) return true;
  const values = [a, b].map(valuesOf);
  return (
    values[0] !== undefined &&
    values[1] !== undefined &&
    !values[0].some((one) => values[1]?.some((other) => isDeepStrictEqual(one, other)))
  );
}

/** The values that a schema takes where it lists them. */
export function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined;
}
