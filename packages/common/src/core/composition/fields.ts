/**
 * From a schema in the words of 2020-12 to its normal form: one field for each column, every reference within `$defs`, and what
 * judges several fields at once beside them. docs/decisions/0052 says why, docs/topic-schema.md what the form is.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, pointerTo, type JsonObject } from '../json/value';
import { MAX_DEPTH } from '../schema/columns';
import { shown, type SchemaProblem } from '../problem';
import { PLACES, type References, type Resolver } from './references';
import { mergeSchemas, valuesOf, areApart } from './merge';
import { nameTypes } from '../keywords/type-names';
import { saysNothing } from '../schema/type-advice';
import {
  ALL_TYPES,
  commonTypes,
  impliedType,
  isAllTypes,
  joinedTypes,
  possibleTypes,
  statedTypes,
  typeOfValue,
  typesIn,
  type Types,
} from '../keywords/types';
import {
  without,
  FIELD_WORDS,
  IN_PLACE_WORDS,
  NUMBER_WORDS,
  OBJECT_WORDS,
  STRING_WORDS,
  WORDS_OF_TYPE,
} from '../keywords/words';

/** Fields that one schema is taken apart into. What has more is refused, so the rest need not be looked at. */
const MAX_FIELDS = 5_000;
const NEVER: JsonObject = { not: {} };

/** Says where a node of the document stands in the author's file; undefined for one that was made here. */
export type Origin = (node: object) => string | undefined;

/** What describes one member: what it must meet, and what only variants of its object say of it. */
interface Described {
  readonly asserted: readonly unknown[];
  readonly variants: readonly unknown[];
  /** Where the author's file describes it. */
  readonly pointer: string;
}

export class Fields {
  readonly problems: SchemaProblem[] = [];
  readonly #collapsed = new WeakMap<object, JsonObject>();
  readonly #collapsing = new Set<object>();
  /** The nodes of the document that a collapsed schema was made of. */
  readonly #sources = new WeakMap<object, readonly object[]>();
  readonly #origins = new WeakMap<object, string>();
  #count = 0;

  constructor(
    private readonly resolve: Resolver,
    private readonly references: References,
    private readonly origin: Origin,
    /** The level of fields whose objects are kept whole. */
    private readonly maxDepth: number,
  ) {}

  /** Where a node of the normal form comes from in the author's file. */
  pointerOf(node: object): string | undefined {
    return this.#origins.get(node) ?? this.origin(node);
  }

  /** The schema with its references followed and its allOf merged, as far as that is exact. Its members are as they were. */
  readonly collapse = (schema: unknown): JsonObject => {
    if (schema === false) return NEVER;
    if (!isObject(schema)) return {};
    const known = this.#collapsed.get(schema);
    if (known !== undefined) return known;
    if (this.#collapsing.has(schema)) {
      const hint = 'take one of the references out: nothing could be judged by them';
      this.#add(
        'REF_LOOP',
        this.pointerOf(schema) ?? '',
        'the schema leads back to itself without a step into a member',
        hint,
      );
      return {};
    }
    this.#collapsing.add(schema);
    const collapsed = this.#simplified(this.#flat(schema));
    this.#collapsing.delete(schema);
    this.#collapsed.set(schema, collapsed);
    return collapsed;
  };

  #flat(schema: JsonObject): JsonObject {
    const { $ref, allOf, ...own } = schema;
    const parts: JsonObject[] = [own];
    const sources = new Set<object>([schema]);
    const take = (node: unknown) => {
      const part = this.collapse(node);
      parts.push(part);
      for (const source of this.#sources.get(part) ?? []) sources.add(source);
      if (isObject(node)) sources.add(node);
    };
    if (typeof $ref === 'string') {
      const target = this.resolve($ref, schema);
      if (target === undefined) {
        // A problem of its own says so.
      } else take(target);
    }
    if (Array.isArray(allOf)) for (const one of allOf as unknown[]) take(one);
    else if (allOf !== undefined) parts.push({ allOf });
    const merged = withoutUnevaluated(parts.length === 1 ? { ...own } : parts.reduce(mergeSchemas), own);
    this.#sources.set(merged, [...sources]);
    return merged;
  }

  /** Leaves out what only null could meet, as null counts as absent, and takes alternatives together that are types or values. */
  #simplified(schema: JsonObject): JsonObject {
    let simple = withoutNull(schema);
    for (const word of ['anyOf', 'oneOf'] as const) {
      const branches = simple[word];
      if (!Array.isArray(branches) || branches.length === 0) continue;
      const all = (branches as unknown[]).map((branch) => this.collapse(branch));
      const live = all.filter((branch) => possibleTypes(branch, this.collapse).size > 0);
      const rest = without(simple, word);
      const joined = this.#joined(word, live);
      if (joined !== undefined) simple = this.#keepSources(schema, mergeSchemas(rest, joined));
      else if (live.length < all.length) {
        simple = { ...rest, [word]: (branches as unknown[]).filter((_, index) => live.includes(all[index] ?? NEVER)) };
      }
    }
    return this.#keepSources(schema, simple);
  }

  #joined(word: 'anyOf' | 'oneOf', branches: readonly JsonObject[]): JsonObject | undefined {
    const [first] = branches;
    if (first === undefined) return NEVER;
    if (branches.length === 1) return first;
    const words = branches.map((branch) => Object.keys(branch).filter(says));
    if (word === 'anyOf' && words.some((some) => some.length === 0)) return {};
    const apart =
      word === 'anyOf' || branches.every((one, n) => branches.slice(n + 1).every((other) => areApart(one, other)));
    if (!apart) return undefined;
    const only = (named: readonly string[]) => words.every((some) => some.every((one) => named.includes(one)));
    if (only(['type'])) {
      const types = branches.map((branch) => statedTypes(branch['type']));
      if (types.some((one) => one === undefined)) return undefined;
      return { type: nameTypes(joinedTypes(types.map((one) => one ?? ALL_TYPES))) };
    }
    const values = branches.map((branch) => takenValues(branch));
    if (only(['enum', 'const', 'type']) && values.every((some) => some !== undefined)) {
      const types = branches.map((branch) => statedTypes(branch['type']));
      const list: unknown[] = [];
      for (const value of values.flat()) {
        if (!list.some((one) => isDeepStrictEqual(one, value))) list.push(value);
      }
      const joined = { enum: list };
      return types.every((one) => one === undefined)
        ? joined
        : { type: nameTypes(joinedTypes(types.map((one) => one ?? ALL_TYPES))), ...joined };
    }
    return undefined;
  }

  #keepSources(from: object, to: JsonObject): JsonObject {
    const sources = this.#sources.get(from);
    if (sources !== undefined && to !== from) this.#sources.set(to, sources);
    return to;
  }

  #add(code: string, path: string, message: string, hint: string, severity?: 'warning'): void {
    if (this.problems.some((one) => one.code === code && one.path === path)) return;
    this.problems.push({ code, path, message, hint, ...(severity !== undefined && { severity }) });
  }

  /** The nodes of the document that a collapsed schema was made of. */
  sourcesOf(schema: object): readonly JsonObject[] {
    return (this.#sources.get(schema) ?? []).filter(isObject);
  }

  /** The schemas that may hold of a value that a collapsed schema describes, too: variants, conditions and the like. */
  shapesOf(schema: JsonObject): JsonObject[] {
    return this.#shapes(schema);
  }

  /** An object with one member, which a schema describes. */
  objectOf(member: string, schema: JsonObject, node: object): JsonObject {
    const described = { asserted: [schema], variants: [], pointer: this.origin(node) ?? '' };
    return { type: 'object', properties: { [member]: this.field(described, [member], new Set()) } };
  }

  /** The schemas that may hold of the value as well: variants, conditions, and what allOf could not be merged into. */
  #shapes(schema: JsonObject): JsonObject[] {
    // Each is looked at once: two branches may lead to the same ones, which may again.
    const found = new Set<JsonObject>();
    const visit = (one: JsonObject) => {
      for (const inner of inPlace(one)) {
        const branch = this.collapse(inner);
        if (found.has(branch)) continue;
        found.add(branch);
        visit(branch);
      }
    };
    visit(schema);
    return [...found];
  }

  /**
   * The field of the normal form for one member of the payload.
   *
   * @param path of the member from the payload's root on
   * @param around the nodes that describe the objects around it
   */
  field({ asserted, variants, pointer }: Described, path: readonly string[], around: ReadonlySet<object>): JsonObject {
    this.#count += 1;
    const own = this.collapse(asserted.length === 1 ? asserted[0] : { allOf: asserted });
    const shapes = [...this.#shapes(own), ...variants.flatMap((one) => this.#withShapes(this.collapse(one)))];
    const types = this.#typesOf(own, shapes);
    const sources = [own, ...shapes].flatMap((one) => this.#sources.get(one) ?? []);
    const mayFlatten =
      isObjectAlone(types) &&
      own['x-flatten'] !== false &&
      ![own, ...shapes].some(isMap) &&
      !this.#isKeptWhole(
        own,
        shapes,
        pointer,
        path,
        sources.some((node) => around.has(node)),
      );
    this.#tellOfType(own, types, pointer);
    const field = mayFlatten
      ? (this.object(own, shapes, path, new Set([...around, ...sources])) ?? this.#leaf(own, shapes, types))
      : this.#leaf(own, shapes, types);
    this.#origins.set(field, pointer);
    return field;
  }

  /** Whether an object with members is kept as one value, as they would lie too deep, or never end. */
  #isKeptWhole(
    own: JsonObject,
    shapes: readonly JsonObject[],
    pointer: string,
    path: readonly string[],
    isRecursive: boolean,
  ): boolean {
    if (path.length < this.maxDepth && this.#count < MAX_FIELDS && !isRecursive) return false;
    const hasMembers = [own, ...shapes].some(
      ({ properties }) => isObject(properties) && Object.keys(properties).length > 0,
    );
    if (hasMembers && this.maxDepth === MAX_DEPTH) {
      const why = isRecursive ? 'it is described by itself' : `fields are flattened up to ${MAX_DEPTH} levels`;
      const hint = 'write "x-flatten": false to say so, or describe it without the reference';
      this.#add('KEPT_WHOLE', pointer, `the object is kept as one value: ${why}`, hint, 'warning');
    }
    return true;
  }

  /** Tells of a type that nobody stated. */
  #tellOfType(own: JsonObject, types: Types | undefined, pointer: string): void {
    if (this.problems.some(({ code, path }) => code === 'INVALID_FIELD' && path === pointer)) return;
    if (types?.size === 0 && !isNullAlone(own) && !this.#statesNothing(own)) {
      const hint = 'correct its type or its values, or take out the words that contradict each other';
      this.#add(
        'NO_VALUE',
        pointer,
        'no value can be as the field says: every row that has it breaks it',
        hint,
        'warning',
      );
      return;
    }
    if (types === undefined || own['type'] !== undefined || isObjectAlone(types) || own['x-flatten'] === false) return;
    if (isAllTypes(types)) {
      const hint = 'write its "type", if it has one; or "x-flatten": false if it is to be kept so';
      this.#add(
        'TYPE_MISSING',
        pointer,
        'no type is stated: any value is taken, and kept as its JSON text',
        hint,
        'warning',
      );
      return;
    }
    // What only variants say they say with a type, or by values; and so it is with a list of either.
    if (isAnything(own)) return;
    const isOfValues = valuesOf(own) !== undefined || ['anyOf', 'oneOf'].some((word) => own[word] !== undefined);
    if (isOfValues) return;
    const named = JSON.stringify(nameTypes(types));
    this.#add(
      'TYPE_IMPLIED',
      pointer,
      `no type is stated, and the other words are about ${named}`,
      `write "type": ${named}`,
      'warning',
    );
  }

  #withShapes(schema: JsonObject): JsonObject[] {
    return [schema, ...this.#shapes(schema)];
  }

  #typesOf(own: JsonObject, shapes: readonly JsonObject[]): Types | undefined {
    const stated = own['type'];
    if (stated !== undefined && statedTypes(stated) === undefined) return undefined;
    let types = possibleTypes(own, this.collapse);
    if (!isAllTypes(types)) return types;
    const implied = impliedType(own, this.collapse);
    if (implied !== undefined) return typesIn([implied]);
    if (shapes.length === 0) return types;
    const hinted = shapes.map((one) => {
      const possible = possibleTypes(one, this.collapse);
      const word = isAllTypes(possible) ? impliedType(one, this.collapse) : undefined;
      return word === undefined ? possible : typesIn([word]);
    });
    const known = hinted.filter((one) => !isAllTypes(one) && one.size > 0);
    if (known.length > 0) types = commonTypes(types, joinedTypes(known));
    return types;
  }

  /**
   * The object of the normal form, with a field for each member that it or one of its variants names; undefined where none names
   * any.
   */
  object(
    own: JsonObject,
    shapes: readonly JsonObject[],
    path: readonly string[],
    around: ReadonlySet<object>,
  ): JsonObject | undefined {
    const members = new Map<string, { asserted: unknown[]; variants: unknown[]; pointer: string }>();
    const name = (schema: JsonObject, kind: 'asserted' | 'variants') => {
      const properties = schema['properties'];
      if (!isObject(properties)) return;
      for (const [member, node] of Object.entries(properties)) {
        const known = members.get(member) ?? {
          asserted: [],
          variants: [],
          pointer: this.#pointerOfMember(properties, member, node),
        };
        if (!isObject(node) && typeof node !== 'boolean') {
          this.#add(
            'INVALID_FIELD',
            pointerTo(this.origin(properties) ?? '/properties', member),
            `${shown(node)} describes no field`,
            'write { "type": "string" }',
          );
          members.set(member, known);
          continue;
        }
        if (node !== true && !(node === false && kind === 'variants')) known[kind].push(node);
        members.set(member, known);
      }
    };
    name(own, 'asserted');
    const named = new Set(members.keys());
    for (const shape of shapes) name(shape, 'variants');
    // A closed object takes no member that it does not name itself, whatever its variants name.
    if (own['additionalProperties'] === false) {
      for (const member of members.keys()) if (!named.has(member)) members.delete(member);
    }
    if (members.size === 0) return undefined;
    const forbidden = [...members].filter(([, { asserted }]) => asserted.includes(false)).map(([member]) => member);
    for (const member of forbidden) members.delete(member);
    const properties = Object.fromEntries(
      [...members].map(([member, { asserted, variants, pointer }]) => [
        member,
        this.field({ asserted: asserted.length === 0 ? [{}] : asserted, variants, pointer }, [...path, member], around),
      ]),
    );
    const words: [string, unknown][] = [];
    for (const [word, value] of Object.entries(own)) {
      if (PLACES.has(word) && !(word === '$id' && path.length === 0)) continue;
      if (word === 'properties') words.push([word, properties]);
      else if (word === 'type') words.push(['type', 'object']);
      else if (word === 'additionalProperties' && isAnything(value)) words.push([word, true]);
      else if (STATED_AT_OBJECTS.has(word) || !WORDS_OF_TYPE.has(word))
        words.push([word, this.references.within(word, value)]);
    }
    const stated = new Map(words);
    if (!stated.has('type')) stated.set('type', 'object');
    if (!stated.has('properties')) stated.set('properties', properties);
    const object = Object.fromEntries(stated);
    if (forbidden.length === 0) return object;
    const before = Array.isArray(object['allOf']) ? (object['allOf'] as unknown[]) : [];
    return { ...object, allOf: [...before, ...forbidden.map((member) => ({ not: { required: [member] } }))] };
  }

  #pointerOfMember(properties: JsonObject, member: string, node: unknown): string {
    const own = isObject(node) ? this.origin(node) : undefined;
    return own ?? pointerTo(this.origin(properties) ?? '/properties', member);
  }

  /** The field of a value that is kept as one: its own rules, with the words of ours that a variant may say instead. */
  #leaf(own: JsonObject, shapes: readonly JsonObject[], types: Types | undefined): JsonObject {
    const words = new Map(Object.entries(own).filter(([word]) => !PLACES.has(word)));
    for (const shape of shapes) {
      for (const word of FIELD_WORDS) {
        if (word !== 'x-not-enforced' && !words.has(word) && Object.hasOwn(shape, word)) words.set(word, shape[word]);
      }
    }
    if (types === undefined) return this.#copied(words);
    if (!words.has('format') && types.size === 1 && types.has('string')) this.#takeFormat(words, shapes);
    for (const word of [...words.keys()]) {
      const type = WORDS_OF_TYPE.get(word);
      if (type !== undefined && !types.has(type) && !(type === 'number' && types.has('integer'))) {
        this.#saysNothing(own, word, types);
        words.delete(word);
      }
    }
    const kept = withoutIdle(words.get('allOf'), types);
    if (kept === undefined) words.delete('allOf');
    else words.set('allOf', kept);
    const named = nameTypes(types);
    if (types.size === 0) {
      const isKept = (word: string) =>
        !says(word) || FIELD_WORDS.has(word) || (word === 'enum' && this.#statesNothing(own));
      for (const word of [...words.keys()]) if (!isKept(word)) words.delete(word);
      words.set('type', 'string');
      words.set('not', {});
    } else if (isAllTypes(types)) words.delete('type');
    else words.set('type', named);
    if (types.has('object')) words.set('x-flatten', false);
    // Only what stays is copied, so that $defs gets nothing that a word has led to which says nothing here.
    const { type, ...rest } = this.#copied(words);
    return type === undefined ? rest : { type, ...rest };
  }

  /** Whether the author lists no value at all, which is refused. */
  #statesNothing(own: JsonObject): boolean {
    return this.sourcesOf(own).some((node) => Array.isArray(node['enum']) && node['enum'].length === 0);
  }

  #copied(words: ReadonlyMap<string, unknown>): JsonObject {
    return Object.fromEntries([...words].map(([word, value]) => [word, this.references.within(word, value)]));
  }

  /** A text whose every variant has one format is of that format. */
  #takeFormat(words: Map<string, unknown>, shapes: readonly JsonObject[]): void {
    const formats = new Set(shapes.map((one) => one['format']).filter((one) => one !== undefined));
    const [format] = formats;
    if (formats.size === 1 && !IN_PLACE_WORDS.some((word) => words.has(word)) && isTime(format))
      words.set('format', format);
  }

  #saysNothing(own: JsonObject, word: string, types: Types): void {
    const [source] = (this.#sources.get(own) ?? []).filter((node) => Object.hasOwn(node, word));
    const path = pointerTo((source && this.pointerOf(source)) ?? '', word);
    if (this.problems.some((one) => one.path === path)) return;
    this.problems.push({ path, severity: 'warning', ...saysNothing(word, { ...own, type: nameTypes(types) }) });
  }
}

/** Words that judge members or elements of a value in ways that depend on the value. */
const DEPENDING: readonly string[] = ['anyOf', 'oneOf', 'if', 'dependentSchemas', 'allOf', 'contains'];

/**
 * What a schema says of unevaluated members it says of additional ones where nothing else judges members than the words that are
 * merged into it; and so it is with elements.
 */
function withoutUnevaluated(merged: JsonObject, own: JsonObject): JsonObject {
  if (DEPENDING.some((word) => Object.hasOwn(merged, word))) return merged;
  let result = merged;
  if (Object.hasOwn(own, 'unevaluatedProperties') && !Object.hasOwn(merged, 'additionalProperties')) {
    result = { ...without(result, 'unevaluatedProperties'), additionalProperties: own['unevaluatedProperties'] };
  }
  if (Object.hasOwn(own, 'unevaluatedItems') && !Object.hasOwn(merged, 'items')) {
    result = { ...without(result, 'unevaluatedItems'), items: own['unevaluatedItems'] };
  }
  return result;
}

/** The schemas within one that may hold of the same value. */
function inPlace(schema: JsonObject): JsonObject[] {
  const inner: unknown[] = [];
  for (const word of IN_PLACE_WORDS) {
    const value = schema[word];
    if (word === 'not' || word === 'if') continue;
    if (Array.isArray(value)) inner.push(...(value as unknown[]));
    else if (isObject(value)) inner.push(value);
  }
  if (isObject(schema['dependentSchemas'])) inner.push(...Object.values(schema['dependentSchemas']));
  return inner.filter(isObject);
}

const STATED_AT_OBJECTS: ReadonlySet<string> = new Set(OBJECT_WORDS);
const OF_SCALARS: ReadonlySet<string> = new Set([...STRING_WORDS, ...NUMBER_WORDS]);

/** The values that a schema takes where it lists them. */
function takenValues(schema: JsonObject): readonly unknown[] | undefined {
  const types = statedTypes(schema['type']);
  return valuesOf(schema)?.filter((value) => {
    const type = typeOfValue(value);
    return types === undefined || type === undefined || commonTypes(types, typesIn([type])).has(type);
  });
}

function isTime(format: unknown): boolean {
  return format === 'date-time' || format === 'date';
}

/** Whether a word asserts something, or is ours; all others are for the reader. */
function says(word: string): boolean {
  return (
    WORDS_OF_TYPE.has(word) ||
    OF_SCALARS.has(word) ||
    (IN_PLACE_WORDS as readonly string[]).includes(word) ||
    FIELD_WORDS.has(word) ||
    ['type', 'enum', 'const', '$ref', 'unevaluatedItems', 'unevaluatedProperties', '$dynamicRef'].includes(word)
  );
}

function isObjectAlone(types: Types | undefined): boolean {
  return types?.size === 1 && types.has('object');
}

/** The members of allOf without words that say nothing of values of these types; undefined where none is left. */
function withoutIdle(allOf: unknown, types: Types): unknown {
  if (!Array.isArray(allOf)) return allOf;
  const isIdle = (word: string) => {
    const type = WORDS_OF_TYPE.get(word);
    return type !== undefined && !types.has(type) && !(type === 'number' && types.has('integer'));
  };
  const left = (allOf as unknown[]).flatMap((one) => {
    if (!isObject(one)) return [one];
    const idle = Object.keys(one).filter(isIdle);
    const rest = idle.length === 0 ? one : without(one, ...idle);
    return idle.length > 0 && isAnything(rest) ? [] : [rest];
  });
  return left.length === 0 && allOf.length > 0 ? undefined : left;
}

/** Whether only null is meant, which counts as absent. */
function isNullAlone(schema: JsonObject): boolean {
  return schema['type'] === 'null' || valuesOf(schema)?.every((value) => value === null) === true;
}

function isAnything(schema: unknown): boolean {
  return schema === true || (isObject(schema) && Object.keys(schema).every((word) => !says(word)));
}

/** Whether a schema judges members by names that it does not list: their names are values then. */
export function isMap(schema: JsonObject): boolean {
  const additional = schema['additionalProperties'];
  const patterns = schema['patternProperties'];
  return (
    (isObject(additional) && !isAnything(additional)) ||
    (isObject(patterns) && Object.keys(patterns).length > 0) ||
    (schema['propertyNames'] !== undefined && schema['propertyNames'] !== true)
  );
}

/** A value that is null counts as absent, so what is said of null says nothing. */
function withoutNull(schema: JsonObject): JsonObject {
  const { type, enum: values } = schema;
  let result = schema;
  if (Array.isArray(type) && type.includes('null')) {
    const named = statedTypes(type);
    if (named !== undefined) result = { ...result, type: nameTypes(named) };
  }
  if (Array.isArray(values) && values.length > 1 && values.includes(null)) {
    result = { ...result, enum: values.filter((value) => value !== null) };
  }
  return result;
}
