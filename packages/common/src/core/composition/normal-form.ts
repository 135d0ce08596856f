/**
 * The normal form of a topic schema: what the jobs, the statements and the tables are made by. docs/topic-schema.md describes it.
 */
import { isDeepStrictEqual } from 'node:util';
import { canonicalNumber } from '../json/exact-number';
import { readJsonSource, type JsonSourceResult } from '../json/source-map';
import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { shown, type SchemaProblem } from '../problem';
import { CURRENT_DIALECT } from '../dialects/drafts';
import { resolver } from '../dialects/references';
import { toCurrentDialect } from '../dialects/translate';
import { Fields, isMap } from './fields';
import { withKnownSchemas } from './known-schemas';
import { NOT_ENFORCED, prepare, unenforced } from './prepare';
import { printJson } from './print';
import { References } from './references';
import { possibleTypes } from '../keywords/types';
import { FIELD_WORDS, SCHEMA_IN, SCHEMAS_BY_NAME, SCHEMAS_IN_LIST, UNEVALUATED, without } from '../keywords/words';
import { MAX_DEPTH } from '../schema/columns';
import { fieldsOf, isFlattened } from '../schema/model';

export interface NormalForm {
  readonly document: JsonObject;
  /** The text of the document; the author's own where `changed` is false. */
  readonly text: string;
  readonly changed: boolean;
  /** Problems and warnings, with pointers into the author's file. */
  readonly problems: readonly SchemaProblem[];
  /** The place in the author's file for a JSON pointer into the document. */
  readonly sourceOf: (pointer: string) => string;
}

export interface NormalFormOptions {
  /** The topic of a file that states none; undefined where that is not known. */
  readonly topic: string | undefined;
  /** The version of a file that states none. */
  readonly version: number;
  readonly patternBudgetMs: number;
  readonly maxColumns: number;
}

/**
 * Brings a schema into its normal form.
 *
 * @param text the author's text
 * @param document the same text as JSON.parse reads it, of bounded depth
 */
export function normalForm(text: string, document: JsonObject, options: NormalFormOptions): NormalForm {
  const dialect = toCurrentDialect(withKnownSchemas(document));
  const {
    document: given,
    origin,
    problems: found,
  } = prepare(dialect.document, dialect.origin, options.patternBudgetMs);
  const problems: SchemaProblem[] = [...dialect.problems, ...found];
  const resolve = resolver(given, origin);
  const follow = (ref: string, from: object) => {
    const target = resolve(ref, from);
    if (target.ok) return target.node;
    if (!problems.some((one) => one.path === target.problem.path)) problems.push(target.problem);
    return undefined;
  };
  const names = definedNames(given);
  const build = (maxDepth: number) => {
    const references = new References(follow, (node) => names.get(node) ?? nameOfPlace(origin(node)), origin);
    const fields = new Fields(follow, references, origin, maxDepth);
    return { references, fields, root: rootObject(given, fields, problems, origin) };
  };
  const whole = build(MAX_DEPTH);
  const depth = depthThatFits(whole.root, options.maxColumns);
  const { references, fields, root } = depth === undefined ? whole : build(depth);
  if (depth !== undefined) problems.push(keptWhole(whole.root, options.maxColumns, depth));
  const { head, body } = headed(root, given, options);
  const definitions = references.definitions();
  const normal = withoutPointers({ ...head, ...body, ...(definitions && { $defs: definitions }) });
  problems.push(...fields.problems);
  const place = (pointer: string) =>
    sourceOf(pointer, normal, (node) => fields.pointerOf(node) ?? references.placeOf(node));
  problems.push(
    ...unevaluatedIn(normal).map((pointer) => ({
      path: place(pointer),
      ...unenforced(pointer.split('/').at(-1) ?? ''),
    })),
  );
  const changed = !isDeepStrictEqual(normal, document);
  const digits = changed ? digitsOf(text, problems) : undefined;
  return {
    document: changed ? normal : document,
    text: digits === undefined ? text : `${printJson(normal, digits)}\n`,
    changed,
    problems,
    sourceOf: (pointer) => (changed ? place(pointer) : pointer),
  };
}

/**
 * The level below which objects have to be kept whole so that a schema has no more columns than a table may have; undefined where it
 * fits, where no level makes it fit, and where the author has said something of a column further in.
 */
function depthThatFits(root: JsonObject, maxColumns: number): number | undefined {
  const deepest = new Map<number, number>();
  let saidAt = 0;
  for (const { path, field } of fieldsOf(root)) {
    if (!isFlattened(field)) deepest.set(path.length, (deepest.get(path.length) ?? 0) + 1);
    if ([...FIELD_WORDS].some((word) => word !== 'x-flatten' && field[word] !== undefined))
      saidAt = Math.max(saidAt, path.length);
  }
  const columns = [...deepest.values()].reduce((sum, one) => sum + one, 0);
  if (columns <= maxColumns) return undefined;
  const objects = new Map<number, number>();
  for (const { path, field } of fieldsOf(root)) {
    if (isFlattened(field)) objects.set(path.length, (objects.get(path.length) ?? 0) + 1);
  }
  for (let depth = Math.max(...deepest.keys()) - 1; depth >= Math.max(1, saidAt); depth -= 1) {
    let count = objects.get(depth) ?? 0;
    for (const [level, leaves] of deepest) if (level <= depth) count += leaves;
    if (count <= maxColumns) return depth;
  }
  return undefined;
}

function keptWhole(root: JsonObject, maxColumns: number, depth: number): SchemaProblem {
  const columns = [...fieldsOf(root)].filter(({ field }) => !isFlattened(field)).length;
  return {
    code: 'KEPT_WHOLE',
    severity: 'warning',
    path: '/properties',
    message: `the schema has ${columns} columns, and ${maxColumns} are allowed: objects at level ${depth} are kept as one value each`,
    hint: 'write "x-flatten": false at objects that need no columns of their own, or split the topic',
  };
}

/** The names in `$defs` of the nodes that they lead to. */
function definedNames(document: JsonObject): ReadonlyMap<object, string> {
  const defs = document['$defs'];
  return new Map(
    isObject(defs)
      ? Object.entries(defs).flatMap(([name, node]) => (isObject(node) ? [[node, name] as const] : []))
      : [],
  );
}

function nameOfPlace(pointer: string | undefined): string | undefined {
  if (pointer === undefined) return undefined;
  const names = pointer.split('/').filter((one) => !['', 'properties', '$defs', 'definitions'].includes(one));
  return names.length === 0 ? 'root' : names.join('_');
}

/** The payload as an object of fields. A payload that is no object is an event whose column `value` has it. */
function rootObject(
  given: JsonObject,
  fields: Fields,
  problems: SchemaProblem[],
  origin: (node: object) => string | undefined,
): JsonObject {
  const own = fields.collapse(given);
  const types = possibleTypes(own, fields.collapse);
  const shapes = fields.shapesOf(own);
  if (
    !types.has('object') &&
    types.size > 0 &&
    typeof given['type'] !== 'object' &&
    given['properties'] === undefined
  ) {
    return { ...fields.objectOf('value', own, given) };
  }
  if (!types.has('object') && types.size > 0) {
    problems.push({
      code: 'ROOT_TYPE',
      path: '/type',
      message: `${shown(given['type'])} cannot be the type of a payload with properties`,
      hint: 'write "type": "object": the schema describes the members of the payload',
    });
  }
  if (types.size === 0) {
    problems.push({
      code: 'ROOT_TYPE',
      path: '',
      message: 'no payload can be as the schema says: its words leave no type',
      hint: 'write "type": "object", and take out what contradicts it',
    });
  }
  for (const one of [own, ...shapes].filter(isMap)) {
    for (const word of ['additionalProperties', 'patternProperties', 'propertyNames']) {
      if (one[word] === undefined || typeof one[word] === 'boolean') continue;
      const node = fields.sourcesOf(one).find((source) => Object.hasOwn(source, word)) ?? given;
      const path = pointerTo(origin(node) ?? '', word);
      if (!problems.some((known) => known.path === path)) problems.push({ path, ...unenforced(word) });
    }
  }
  return (
    fields.object(own, shapes, [], new Set([own, ...shapes].flatMap((one) => fields.sourcesOf(one)))) ?? {
      ...own,
      type: 'object',
      ...(own['properties'] !== undefined && { properties: own['properties'] }),
    }
  );
}

/** The words at the top of a file that come first, with what a file may leave out. */
function headed(root: JsonObject, given: JsonObject, { topic, version }: NormalFormOptions) {
  const stated = (word: string, otherwise: unknown) => (Object.hasOwn(given, word) ? given[word] : otherwise);
  const head: Record<string, unknown> = { $schema: CURRENT_DIALECT };
  const body = Object.fromEntries(Object.entries(root).filter(([word]) => word !== '$schema' && word !== '$defs'));
  const topicStated = stated('x-topic', topic);
  return {
    head,
    body: {
      ...(topicStated !== undefined && { 'x-topic': topicStated }),
      'x-version': stated('x-version', version),
      ...body,
    },
  };
}

/** JSON pointers to the words of a schema that count what other words have judged. */
function unevaluatedIn(schema: unknown, pointer = ''): string[] {
  if (!isObject(schema)) return [];
  return Object.entries(schema).flatMap(([word, value]): string[] => {
    const at = pointerTo(pointer, word);
    if (UNEVALUATED.has(word)) return [at];
    if (SCHEMA_IN.has(word)) return unevaluatedIn(value, at);
    if (SCHEMAS_IN_LIST.has(word) && Array.isArray(value)) {
      return (value as unknown[]).flatMap((one, index) => unevaluatedIn(one, pointerTo(at, index)));
    }
    if (!SCHEMAS_BY_NAME.has(word) || !isObject(value)) return [];
    return Object.entries(value).flatMap(([name, one]) => unevaluatedIn(one, pointerTo(at, name)));
  });
}

/** Leaves out the pointers that the top of the file names: they lead to places of the author's file. */
function withoutPointers(document: JsonObject): JsonObject {
  const listed = document[NOT_ENFORCED];
  if (!Array.isArray(listed)) return document;
  const words = listed.filter((one: unknown) => typeof one !== 'string' || !one.startsWith('/'));
  if (words.length === listed.length) return document;
  const rest = without(document, NOT_ENFORCED);
  return words.length === 0 ? rest : { ...rest, [NOT_ENFORCED]: words };
}

/** The digits of a text's numbers by their values. Two numbers that JavaScript cannot tell apart are a problem. */
function digitsOf(text: string, problems: SchemaProblem[]): (value: number) => string | undefined {
  const source: JsonSourceResult = readJsonSource(text);
  const known = new Map<number, string>();
  if (!source.ok) return () => undefined;
  const inexact = source.numbersWhere((number) => canonicalNumber(number) !== String(Number(number)));
  for (const { pointer, text: digits } of inexact) {
    const value = Number(digits);
    const before = known.get(value);
    if (before !== undefined && canonicalNumber(before) !== canonicalNumber(digits)) {
      problems.push({
        code: 'NUMBER_NOT_EXACT',
        path: pointer,
        message: `most readers of JSON take ${digits} for ${before}, which stands in this file too`,
        hint: 'write fewer digits, or state the two in schemas of their own',
      });
    }
    known.set(value, digits);
  }
  return (value) => known.get(value);
}

function sourceOf(pointer: string, normal: JsonObject, origin: (node: object) => string | undefined): string {
  const names = pointer.split('/').slice(1);
  for (let length = names.length; length >= 0; length -= 1) {
    const start = names
      .slice(0, length)
      .map((name) => `/${name}`)
      .join('');
    const node = length === 0 ? normal : valueAt(normal, start);
    const found = typeof node === 'object' && node !== null ? origin(node) : undefined;
    if (found !== undefined)
      return (
        found +
        names
          .slice(length)
          .map((name) => `/${name}`)
          .join('')
      );
  }
  return pointer;
}
