import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { shown } from '../problem';
import { copied, listed, made, rename, warn, type Reference, type Translating, type Writing } from './copy';
import { CURRENT_DIALECT, draftName, draftOf, firstDraftOf, isKnownIn, type Draft } from './drafts';
import { identifier } from './identifiers';
import { bound } from './bounds';
import { isReferenceAlone, readResources, splitFragment, stepsOf, targetOf, type Resource } from './resources';
import { holds, isSchema } from './subschemas';
import { ASSERTIONS } from './words';
import type { SchemaProblem } from '../problem';

/** A schema file in the words of 2020-12. */
export interface Translation {
  /** A copy. It shares no object with the author's document. */
  readonly document: JsonObject;
  /**
   * Gives the JSON pointer in the author's file of an object or array of the copy; with a member's name, the pointer to
   * what the author wrote for that member. undefined for what is not of the copy.
   */
  readonly origin: (node: object, member?: string) => string | undefined;
  /** In the order in which they were found, with pointers into the author's file. */
  readonly problems: readonly SchemaProblem[];
  /** Whether the copy says anything in other words than the author's document. */
  readonly changed: boolean;
}

/**
 * Translates a schema of draft-04 to 2020-12 into the words of 2020-12, each resource in it by its own `$schema`. Without
 * one it is read as 2020-12, and old spellings that can mean one thing only are translated all the same.
 *
 * What a draft ignores is left out, with a warning. References lead to where they led: where that is no place of a schema,
 * a copy of it joins `$defs`.
 *
 * @param document of bounded depth
 */
export function toCurrentDialect(document: JsonObject): Translation {
  const resources = readResources(document);
  const context: Translating = {
    resources,
    isOne: new Set([...resources.places.values()].map(({ resource }) => resource)).size === 1,
    problems: [],
    origins: new WeakMap(),
    moved: new Map(),
    references: [],
    hoisted: 0,
    changed: document['$schema'] !== CURRENT_DIALECT,
  };
  const { origins, problems, references } = context;
  const copy = schema(context, document, '', '', resources.root) as JsonObject;
  // A schema that joins $defs adds references of its own.
  for (const reference of references) follow(context, document, copy, reference);
  return {
    document: copy,
    origin: (node, member) => {
      const origin = origins.get(node);
      if (origin === undefined || member === undefined) return origin?.pointer;
      return origin.renamed.get(member) ?? pointerTo(origin.pointer, member);
    },
    problems,
    changed: context.changed,
  };
}

/** The copy of a schema. `around` is the resource that it lies in. */
function schema(context: Translating, node: unknown, old: string, now: string, around: Resource): unknown {
  if (isSchema(node)) context.moved.set(old, now);
  if (!isObject(node)) return copied(context, node, old);
  const resource = context.resources.places.get(node)?.resource ?? around;
  const { draft } = resource;
  const writing: Writing = { node, old, now, resource, members: new Map(), renamed: new Map() };
  if (resource.pointer === old) checkDialect(context, writing);
  if (old === '') writing.members.set('$schema', CURRENT_DIALECT);
  const alone = isReferenceAlone(node, draft);
  // `$defs` keeps its names, and `definitions` joins it.
  const words = Object.keys(node).sort((a, b) => Number(a === 'definitions') - Number(b === 'definitions'));
  const ignored = alone ? words.filter((word) => ASSERTIONS.has(word) && word !== '$ref') : [];
  if (ignored.length > 0) warnOfSiblings(context, ignored, writing);
  for (const word of words) if (!ignored.includes(word)) member(context, word, writing);
  const copy = made(context, writing.members, old, writing.renamed);
  const ref = copy['$ref'];
  if (typeof ref === 'string') {
    context.references.push({ ref, from: resource, rewrite: (target) => (copy['$ref'] = target) });
  }
  return copy;
}

function checkDialect({ problems }: Translating, { node, old }: Writing): void {
  const stated = node['$schema'];
  const draft = typeof stated === 'string' ? draftOf(stated) : undefined;
  if (stated === undefined || (draft !== undefined && draft !== 'old')) return;
  const what =
    draft === 'old' ? 'is too old: draft-04 is the first that is read' : 'is no known dialect of JSON Schema';
  problems.push({
    code: draft === 'old' ? 'UNSUPPORTED_DIALECT' : 'UNKNOWN_DIALECT',
    path: pointerTo(old, '$schema'),
    message: `${shown(stated)} ${what}`,
    hint: `write "$schema": "${CURRENT_DIALECT}", or the URI of the draft that the file is written in: draft-04, draft-06, draft-07 or 2019-09`,
  });
}

function warnOfSiblings(context: Translating, ignored: readonly string[], { old, resource: { draft } }: Writing): void {
  context.changed = true;
  warn(
    context,
    'REF_SIBLINGS',
    pointerTo(old, ignored[0] ?? ''),
    `${draftName(draft)} ignores what stands beside a $ref: ${ignored.map((word) => shown(word)).join(', ')}`,
    'take it out, or have both hold: "allOf": [{ "$ref": … }, { … }]',
  );
}

/** Writes what one member of the author's schema says. */
function member(context: Translating, word: string, writing: Writing): void {
  const { node, old, members, resource } = writing;
  const { draft } = resource;
  const path = pointerTo(old, word);
  const value = node[word];
  const keep = (): void => void members.set(word, copied(context, value, path));
  if (draft !== 'latest' && !isKnownIn(word, draft)) {
    ignore(context, word, path, draft);
    return;
  }
  switch (word) {
    case '$schema':
      // All of the copy is of one dialect.
      if (old !== '') context.changed = true;
      return;
    case 'id':
    case '$id':
      identifier(context, word, writing);
      return;
    case '$recursiveAnchor':
      context.changed = true;
      if (value === true && !context.isOne) rename(writing, '$dynamicAnchor', word, RECURSIVE);
      return;
    case '$recursiveRef':
    case '$dynamicRef':
      if (typeof value === 'string' && node['$ref'] === undefined) dynamicReference(context, word, value, writing);
      else keep();
      return;
    case 'definitions':
      if (isObject(value)) definitions(context, value, writing);
      else keep();
      return;
    case 'dependencies':
      if (isObject(value)) dependencies(context, value, writing);
      else keep();
      return;
    case 'items':
    case 'additionalItems':
      items(context, word, writing);
      return;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      bound(context, word, writing);
      return;
    case 'required':
      if (typeof value === 'boolean') requiredField(context, value, path);
      else keep();
      return;
    default:
      members.set(word, inside(context, word, word, writing));
  }
}

/** The name of what `$recursiveAnchor` marks. 2019-09 has but one in a resource, and gives it no name. */
const RECURSIVE = 'recursiveAnchor';

/** Writes a reference that is followed in the resources that led here. With one of them it is a plain reference. */
function dynamicReference(context: Translating, word: string, value: string, writing: Writing): void {
  const isRecursive = word === '$recursiveRef';
  const { node } = writing.resource;
  const isPlain = context.isOne || (isRecursive && node['$recursiveAnchor'] !== true);
  if (!isPlain && !isRecursive) {
    writing.members.set(word, value);
    return;
  }
  context.changed = true;
  if (isPlain) rename(writing, '$ref', word, value);
  else rename(writing, '$dynamicRef', word, `#${RECURSIVE}`);
}

/** The copy of a member's value, with the schemas in it translated. It is written under the word `target`. */
function inside(context: Translating, word: string, target: string, { node, old, now, resource }: Writing): unknown {
  const value = node[word];
  const path = pointerTo(old, word);
  const one = (inner: unknown, ...steps: (string | number)[]): unknown =>
    schema(context, inner, pointerTo(path, ...steps), pointerTo(now, target, ...steps), resource);
  switch (holds(word, value)) {
    case 'one':
      return one(value);
    case 'list':
      return listed(
        context,
        (value as unknown[]).map((inner, index) => one(inner, index)),
        path,
      );
    case 'by name':
      return made(
        context,
        Object.entries(value as JsonObject).map(([name, inner]) => [name, one(inner, name)] as const),
        path,
      );
    case undefined:
      return copied(context, value, path);
  }
}

function ignore(context: Translating, word: string, path: string, draft: Draft): void {
  context.changed = true;
  const first = firstDraftOf(word);
  const [what, hint] =
    first > draft
      ? [`came with ${draftName(first)}`, `write "$schema": "${CURRENT_DIALECT}" to have it enforced, or take it out`]
      : ['is a word of older drafts', 'say it in the words of this draft, or take it out'];
  warn(context, 'NOT_IN_DRAFT', path, `${shown(word)} ${what}, and ${draftName(draft)} ignores it`, hint);
}

/** Draft-03 had `required` in the field itself. False is what it is without the word. */
function requiredField(context: Translating, value: boolean, path: string): void {
  context.changed = true;
  if (!value) return;
  context.problems.push({
    code: 'REQUIRED_IN_FIELD',
    path,
    message: '"required": true is draft-03, and no later draft knows it',
    hint: 'take it out, and list the name under "required" of the object around the field',
  });
}

function definitions(context: Translating, value: JsonObject, writing: Writing): void {
  const { members, old, now, resource } = writing;
  context.changed = true;
  const before = members.get('$defs');
  const entries = new Map<string, unknown>(isObject(before) ? Object.entries(before) : []);
  for (const [name, inner] of Object.entries(value)) {
    const free = freeName(name, (taken) => entries.has(taken));
    const from = pointerTo(old, 'definitions', name);
    entries.set(free, schema(context, inner, from, pointerTo(now, '$defs', free), resource));
  }
  const from = isObject(before) ? '$defs' : 'definitions';
  rename(writing, '$defs', from, made(context, entries, pointerTo(old, from)));
}

function dependencies(context: Translating, value: JsonObject, writing: Writing): void {
  const { node, old, now, resource, members } = writing;
  const path = pointerTo(old, 'dependencies');
  const mixed = ['dependentRequired', 'dependentSchemas'].find((word) => Object.hasOwn(node, word));
  if (mixed !== undefined) {
    context.problems.push({
      code: 'MIXED_DRAFTS',
      path,
      message: `"dependencies" is the older spelling of "${mixed}", and both stand here`,
      hint: 'move the lists into "dependentRequired", and the schemas into "dependentSchemas"',
    });
    members.set('dependencies', copied(context, value, path));
    return;
  }
  context.changed = true;
  const all = Object.entries(value);
  // Draft-03 wrote a list of one name without the brackets.
  const required = all.flatMap(([name, inner]) => {
    if (isSchema(inner)) return [];
    return [[name, copied(context, typeof inner === 'string' ? [inner] : inner, pointerTo(path, name))] as const];
  });
  const schemas = all.flatMap(([name, inner]) => {
    if (!isSchema(inner)) return [];
    const target = pointerTo(now, 'dependentSchemas', name);
    return [[name, schema(context, inner, pointerTo(path, name), target, resource)] as const];
  });
  if (required.length > 0) rename(writing, 'dependentRequired', 'dependencies', made(context, required, path));
  if (schemas.length > 0) rename(writing, 'dependentSchemas', 'dependencies', made(context, schemas, path));
}

/** Up to 2019-09 a list of `items` was what `prefixItems` is now, and `additionalItems` was for the elements behind it. */
function items(context: Translating, word: 'items' | 'additionalItems', writing: Writing): void {
  const { node, old, members, resource } = writing;
  const isTuple = Array.isArray(node['items']) && node['prefixItems'] === undefined && resource.draft !== 2020;
  if (!isTuple && word === 'items') {
    members.set(word, inside(context, word, word, writing));
    return;
  }
  context.changed = true;
  if (isTuple) {
    const target = word === 'items' ? 'prefixItems' : 'items';
    const isEmpty = word === 'items' && (node['items'] as unknown[]).length === 0;
    if (!isEmpty) rename(writing, target, word, inside(context, word, target, writing));
    return;
  }
  const value = node[word];
  if (value === true || (isObject(value) && Object.keys(value).length === 0)) return;
  warn(
    context,
    'WITHOUT_EFFECT',
    pointerTo(old, word),
    '"additionalItems" says nothing where "items" is no list',
    'write "items" for all elements, or take it out',
  );
}

/** Has a reference lead to where in the copy the schema is that it led to. */
function follow(context: Translating, document: JsonObject, copy: JsonObject, reference: Reference): void {
  const { ref, from, rewrite } = reference;
  const target = targetOf(document, context.resources, ref, from);
  const { address, fragment = '' } = splitFragment(ref);
  if (target.kind !== 'found' || !fragment.startsWith('/')) return;
  const { resource, pointer } = target;
  const home = context.moved.get(resource.pointer) ?? '';
  const moved = context.moved.get(pointer) ?? hoist(context, document, copy, pointer, resource, home);
  if (moved === undefined || moved.slice(home.length) === pointer.slice(resource.pointer.length)) return;
  context.changed = true;
  rewrite(`${address}#${asFragment(moved.slice(home.length))}`);
}

/** Adds a schema that stands where no draft has schemas to the definitions of its resource; undefined for no schema. */
function hoist(
  context: Translating,
  document: JsonObject,
  copy: JsonObject,
  pointer: string,
  resource: Resource,
  home: string,
): string | undefined {
  const node = valueAt(document, pointer);
  const holder = valueAt(copy, home) as Record<string, unknown>;
  if (!isSchema(node)) return undefined;
  if (!isObject(holder['$defs'])) holder['$defs'] = made(context, [], pointerTo(resource.pointer, '$defs'));
  const all = holder['$defs'] as Record<string, unknown>;
  const last = stepsOf(pointer).at(-1) ?? '';
  const wanted = /^[A-Za-z][\w-]*$/.test(last) ? last : 'referenced';
  context.hoisted += 1;
  const name = freeName(wanted, (taken) => Object.hasOwn(all, taken), context.hoisted + 1);
  const now = pointerTo(home, '$defs', name);
  all[name] = schema(context, node, pointer, now, resource);
  return now;
}

/** The name, or the first one of `name_2`, `name_3` … that is free. */
function freeName(name: string, isTaken: (name: string) => boolean, first = 2): string {
  if (!isTaken(name)) return name;
  let number = first;
  while (isTaken(`${name}_${number}`)) number += 1;
  return `${name}_${number}`;
}

/** A JSON pointer as the fragment of a URI. */
function asFragment(pointer: string): string {
  // No URI can hold half of a surrogate pair.
  return /\p{Cs}/u.test(pointer) ? pointer : encodeURI(pointer).replaceAll('#', '%23');
}
