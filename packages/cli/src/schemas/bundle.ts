import path from 'node:path';
import {
  absoluteUri,
  idWord,
  isObject,
  MAX_FILE_DEPTH,
  depthUpTo,
  outsideReferences,
  pointerTo,
  splitFragment,
  statedDraft,
  type JsonObject,
  type OutsideReference,
  type SchemaProblem,
} from '@lean-ops/common/core';
import { edited, jsonEditor, written, type Edit, type JsonEditor } from './edit-json';
import { readIds, type FileIds } from './file-ids';

/** The files that a bundle may take in: those of the working directory, or of a commit. */
export interface SchemaSources {
  /** The text of a file by its absolute path; undefined where there is none, or it is no file of UTF-8 text. */
  readonly read: (absolute: string) => Promise<string | undefined>;
  /** Absolute paths of all files below a folder. */
  readonly filesBelow: (absolute: string) => Promise<string[]>;
}

export interface BundleOptions {
  readonly sources: SchemaSources;
  /** The folder that no reference leaves: that of the repository. */
  readonly root: string;
  /** The folder in which a file may be that has a URL as its `$id`. */
  readonly schemas: string;
  /** What readIds gave for these sources, where several files are bundled. */
  readonly ids?: Promise<FileIds>;
}

/** A schema file with all that it refers to. */
export interface Bundle {
  /** The author's bytes where it refers to no other file. */
  readonly text: string;
  /** With pointers into the author's file. */
  readonly problems: readonly SchemaProblem[];
  /** The pointer into the author's file for one into the bundle: a file that was put in has the place of its reference. */
  readonly placeOf: (pointer: string) => string;
}

/** `$schema` for a file without one: the newest draft, or old spellings. */
const ANY_DRAFT = 'http://json-schema.org/schema#';

/** A file that is referred to, or the first one. */
interface Member {
  readonly absolute: string;
  readonly text: string;
  readonly document: JsonObject;
  /** The URI that the bundle has for it. */
  readonly uri: string;
  /** Whether the file itself states that URI. */
  readonly statesUri: boolean;
  /** Where the first file refers to it, over others or itself. */
  readonly place: string;
  readonly editor: JsonEditor;
  readonly edits: Edit[];
}

/**
 * Puts the files that a schema refers to into its `$defs`, by their paths, and those that they refer to. Each keeps its
 * dialect and its identifier, or gets one, and references by path become references by identifier. A file may refer to the
 * one that refers to it. A URL that no file of the repository has as its `$id` stays as it is.
 *
 * @param absolute the path of the schema file
 * @param text its text; one that is no JSON object is returned as it is
 */
export async function bundle(absolute: string, text: string, options: BundleOptions): Promise<Bundle> {
  const document = parsed(text);
  if (document === undefined) return { text, problems: [], placeOf: (pointer) => pointer };
  const first = memberOf({ absolute, text, document, place: '', root: options.root });
  const members = new Map([[absolute, first]]);
  const problems: SchemaProblem[] = [];
  let { ids } = options;
  const find = async (reference: OutsideReference, from: Member): Promise<Member | SchemaProblem | undefined> => {
    const place = from === first ? reference.pointer : from.place;
    const found = await fileOf(reference, from.absolute, options, () => (ids ??= readIds(options)));
    if (found === undefined || typeof found !== 'string') return found && { ...found, path: place };
    const before = members.get(found);
    if (before !== undefined) return before;
    const read = await options.sources.read(found);
    const other = read === undefined ? undefined : parsed(read);
    if (read === undefined || other === undefined) {
      const code = read === undefined ? 'REF_FILE_MISSING' : 'REF_FILE_INVALID';
      return { ...problemOf(code, reference.ref, relative(options.root, found)), path: place };
    }
    const member = memberOf({ absolute: found, text: read, document: other, place, root: options.root });
    members.set(found, member);
    return member;
  };
  let refersToFirst = false;
  // The map grows while it is read.
  for (const member of members.values()) {
    for (const reference of outsideReferences(member.document)) {
      const found = await find(reference, member);
      if (found === undefined) continue;
      if ('code' in found) {
        problems.push(found);
        continue;
      }
      refersToFirst ||= found === first;
      const { fragment } = splitRaw(reference.ref);
      member.edits.push(member.editor.setString(reference.pointer, `${found.uri}${fragment}`));
    }
  }
  const others = [...members.values()].filter((member) => member !== first);
  if (others.length === 0 && !refersToFirst) return { text, problems, placeOf: (pointer) => pointer };
  const taken = isObject(document['$defs']) ? document['$defs'] : {};
  const names = new Map(others.map((member) => [freeName(relative(options.root, member.absolute), taken), member]));
  const definitions = [...names].map(([name, member]) => [name, withIdentity(member)] as const);
  const whole = [
    ...first.edits,
    ...(refersToFirst ? identityEdits(first) : []),
    ...definitionEdits(first, definitions),
  ];
  const places = [...names].map(([name, { place }]) => ({ pointer: pointerTo('', '$defs', name), place }));
  return {
    text: edited(text, whole),
    problems,
    placeOf: (pointer) =>
      places.find((one) => pointer === one.pointer || pointer.startsWith(`${one.pointer}/`))?.place ?? pointer,
  };
}

/** The JSON object of a text that a reader can go through; undefined for any other text. */
function parsed(text: string): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isObject(document) && depthUpTo(document, MAX_FILE_DEPTH) <= MAX_FILE_DEPTH ? document : undefined;
  } catch {
    return undefined;
  }
}

function memberOf({
  root,
  ...member
}: Pick<Member, 'absolute' | 'text' | 'document' | 'place'> & { root: string }): Member {
  const address = `file:///${relative(root, member.absolute).split('/').map(encodeURIComponent).join('/')}`;
  const id = member.document[idWord(statedDraft(member.document, 'latest'))];
  const stated = typeof id === 'string' ? absoluteUri(id, address) : undefined;
  const uri = stated === undefined ? address : splitFragment(stated).address;
  return {
    ...member,
    uri,
    statesUri: typeof id === 'string' && splitFragment(id).address === uri,
    editor: jsonEditor(member.text),
    edits: [],
  };
}

/**
 * The path of the file that a reference means, or what is wrong with it; undefined for a URL that no file has as its `$id`.
 */
async function fileOf(
  { ref, base }: OutsideReference,
  from: string,
  { root, sources }: BundleOptions,
  idsOf: () => Promise<FileIds>,
): Promise<string | Omit<SchemaProblem, 'path'> | undefined> {
  const { address } = splitRaw(ref);
  const uri = absoluteUri(address, base);
  const isUrl = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(address);
  if (uri !== undefined && (isUrl || !base.startsWith('schema:'))) {
    const named = (await idsOf()).get(uri) ?? [];
    if (named.length > 1)
      return problemOf('REF_AMBIGUOUS', ref, named.map((file) => relative(root, file)).join(' and '));
    if (named[0] !== undefined) return named[0];
  }
  if (isUrl) return undefined;
  const file = path.resolve(path.dirname(from), decoded(address));
  if (path.isAbsolute(address) || isOutside(root, file)) return problemOf('REF_FILE_OUTSIDE', ref, '');
  // A file with a URL of its own may mean a neighbour on its server.
  if (!base.startsWith('schema:') && (await sources.read(file)) === undefined) return undefined;
  return file;
}

const SAYINGS = {
  REF_FILE_MISSING: (file: string) => [
    `there is no file ${file}`,
    'mend the path, which is relative to the file that it stands in, or add the file',
  ],
  REF_FILE_INVALID: (file: string) => [`${file} is not a JSON object`, 'mend the file'],
  REF_FILE_OUTSIDE: () => [
    'leads out of the repository',
    'copy the file into the repository, and write its path relative to this file',
  ],
  REF_AMBIGUOUS: (files: string) => [`is the $id of ${files}`, 'give each file an $id of its own'],
} as const;

function problemOf(code: keyof typeof SAYINGS, ref: string, file: string): Omit<SchemaProblem, 'path'> {
  const [saying = '', hint = ''] = SAYINGS[code](file);
  return { code, message: `${JSON.stringify(ref)}: ${saying}`, hint };
}

/** A reference at its `#`, as it is written. */
function splitRaw(ref: string): { readonly address: string; readonly fragment: string } {
  const at = ref.indexOf('#');
  return at < 0 ? { address: ref, fragment: '' } : { address: ref.slice(0, at), fragment: ref.slice(at) };
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

function isOutside(root: string, file: string): boolean {
  const way = path.relative(root, file);
  return way === '' || way === '..' || way.startsWith(`..${path.sep}`) || path.isAbsolute(way);
}

/** The path of a file from the repository's folder, with slashes. */
function relative(root: string, file: string): string {
  return path.relative(root, file).replaceAll(path.sep, '/');
}

function freeName(name: string, taken: JsonObject): string {
  return Object.hasOwn(taken, name) ? freeName(`${name}_`, taken) : name;
}

/** The text of a file as a definition: with its dialect and its identifier, which a reader needs to know. */
function withIdentity(member: Member): string {
  return edited(member.text, [...member.edits, ...identityEdits(member)]).trim();
}

function identityEdits({ document, editor, uri, statesUri, place }: Member): Edit[] {
  const word = idWord(statedDraft(document, 'latest'));
  const isNew = !statesUri && document[word] === undefined;
  const members: [string, string][] = [
    ...(place !== '' && document['$schema'] === undefined
      ? [['$schema', JSON.stringify(ANY_DRAFT)] as [string, string]]
      : []),
    ...(isNew ? [[word, JSON.stringify(uri)] as [string, string]] : []),
  ];
  return [
    ...(statesUri || isNew ? [] : [editor.setString(pointerTo('', word), uri)]),
    ...(members.length === 0 ? [] : [editor.prepend('', members)]),
  ];
}

function definitionEdits({ document, editor }: Member, definitions: readonly (readonly [string, string])[]): Edit[] {
  if (definitions.length === 0) return [];
  if (isObject(document['$defs'])) return [editor.prepend('/$defs', definitions)];
  return [editor.append('$defs', `{ ${written(definitions)} }`)];
}
