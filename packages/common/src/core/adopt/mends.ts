import { CURRENT_DIALECT } from '../dialects/drafts';
import { distance } from 'fastest-levenshtein';
import { editJson, splitPointer, type JsonEdit } from '../json/edit-text';
import { readJsonSource } from '../json/source-map';
import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import type { SchemaProblem } from '../problem';

/**
 * How far a mend goes. A `certain` one says what the author meant. An `accepting` one gives the author's word that a rule need not be
 * enforced, or that a value needs no columns of its own. A `dropping` one leaves something out.
 */
export type MendStrength = 'certain' | 'accepting' | 'dropping';

/** What a mend did, as reports count it. */
export type MendKind = 'header' | 'corrected' | 'not enforced' | 'kept as JSON text' | 'wrapped' | 'left out';

/** A change of a schema file that answers one problem. */
export interface Mended {
  readonly kind: MendKind;
  /** The place of what was changed, as a JSON pointer into the file. */
  readonly pointer: string;
  /** A sentence for the author. */
  readonly note: string;
  readonly edits: readonly JsonEdit[];
  /** Gives the whole text anew, in place of edits. */
  readonly rewrite?: (text: string) => string;
  /** A word for `x-not-enforced` of the node at `pointer`. Several of one node are written together. */
  readonly notEnforced?: { readonly holder: string; readonly word: string };
}

export interface MendContext {
  readonly document: JsonObject;
  /** The topic that the schema is for; undefined where that is not known. */
  readonly topic: string | undefined;
  /** Columns that a schema may have. */
  readonly maxColumns: number;
}

export interface Mend {
  readonly strength: MendStrength;
  /** The mend of one problem; undefined where this one does not fit. */
  readonly of: (problem: SchemaProblem, context: MendContext) => Mended | undefined;
}

function put(pointer: string, value: unknown, note: string, kind: MendKind = 'corrected'): Mended {
  return { kind, pointer, note, edits: [{ kind: 'put', pointer, value }] };
}

const certain = (of: Mend['of']): Mend => ({ strength: 'certain', of });
const accepting = (of: Mend['of']): Mend => ({ strength: 'accepting', of });
const dropping = (of: Mend['of']): Mend => ({ strength: 'dropping', of });

/** The word of a hint that asks `did you mean "…"?`. */
const MEANT = /^did you mean "([^"]+)"\?$/;
/** Letters of a word in which two may be wrong, such as two that changed places. */
const LONG_WORD = 6;

/**
 * Corrects a misspelt word where it is certain which one is meant: it differs in case or punctuation, by one letter, or a long one by two,
 * and the right one does not stand beside it.
 */
const correctWord = certain(({ path, hint }, { document }) => {
  const { parent, name } = splitPointer(path);
  const meant = MEANT.exec(hint)?.[1];
  const holder = valueAt(document, parent);
  if (meant === undefined || !isObject(holder) || !Object.hasOwn(holder, name) || Object.hasOwn(holder, meant))
    return undefined;
  const plain = (word: string): string => word.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (distance(plain(name), plain(meant)) > (name.length < LONG_WORD ? 1 : 2)) return undefined;
  return {
    kind: 'corrected',
    pointer: path,
    note: `${JSON.stringify(name)} is written ${JSON.stringify(meant)}`,
    edits: [{ kind: 'rename', pointer: path, name: meant }],
  };
});

/** Names a word as not enforced, beside it. */
const acceptWord = accepting(({ path, message }, { document }) => {
  const { parent, name } = splitPointer(path);
  const holder = valueAt(document, parent);
  if (!isObject(holder) || !Object.hasOwn(holder, name)) return undefined;
  return { kind: 'not enforced', pointer: path, note: message, edits: [], notEnforced: { holder: parent, word: name } };
});

/** Names a word as not enforced at the top of the file, by its place: for places at which no word of ours may stand. */
const acceptPlace = accepting(({ path, message }, { document }) =>
  valueAt(document, path) === undefined
    ? undefined
    : { kind: 'not enforced', pointer: path, note: message, edits: [], notEnforced: { holder: '', word: path } },
);

/** Keeps the object around a field as one column of JSON text, so that its members need no columns. */
const keepObjectAround = accepting(({ path, message }, { document }) => {
  const holder = splitPointer(splitPointer(path).parent);
  if (holder.name !== 'properties') return keepNearestObject(splitPointer(path).parent, message, document);
  return keepNearestObject(holder.parent, message, document);
});

function keepNearestObject(pointer: string, message: string, document: JsonObject): Mended | undefined {
  const node = valueAt(document, pointer);
  if (pointer === '' || !isObject(node) || node['x-flatten'] === false) return undefined;
  // Only the schema of a member can be kept as one column: a branch or a definition is no field.
  if (splitPointer(splitPointer(pointer).parent).name !== 'properties') return undefined;
  return put(pointerTo(pointer, 'x-flatten'), false, message, 'kept as JSON text');
}

/** Leaves a field out, with its name in `required`. Events may have it all the same. */
const leaveFieldOut = dropping(({ path, message }, { document }) => {
  const { parent, name } = splitPointer(path);
  const holder = splitPointer(parent);
  const around = valueAt(document, holder.parent);
  if (holder.name !== 'properties' || valueAt(document, path) === undefined || !isObject(around)) return undefined;
  const { required } = around;
  const listed = Array.isArray(required) ? [...required.keys()].filter((index) => required[index] === name) : [];
  return {
    kind: 'left out',
    pointer: path,
    note: message,
    edits: [path, ...listed.map((index) => pointerTo(holder.parent, 'required', index))].map((pointer) => ({
      kind: 'remove',
      pointer,
    })),
  };
});

/** Places without which a file is no schema, and which therefore stay. */
const NEEDED = new Set(['', '/$schema', '/x-topic', '/x-version', '/properties', '/type']);

/** Leaves out what a problem points to. */
const leaveOut = dropping(({ path, message }, { document }) => {
  if (NEEDED.has(path) || valueAt(document, path) === undefined) return undefined;
  return { kind: 'left out', pointer: path, note: message, edits: [{ kind: 'remove', pointer: path }] };
});

/** Takes a value out of a list in which it stands twice. */
const takeRepeatOut = certain(({ path, message }, { document }) =>
  valueAt(document, path) === undefined
    ? undefined
    : { kind: 'corrected', pointer: path, note: message, edits: [{ kind: 'remove', pointer: path }] },
);

/** Declares a field that is required and has no schema: it may be anything. */
const declareRequired = dropping(({ path, message }, { document }) => {
  const name = valueAt(document, path);
  const holder = splitPointer(splitPointer(path).parent).parent;
  const properties = valueAt(document, pointerTo(holder, 'properties'));
  if (typeof name !== 'string' || !isObject(properties) || Object.hasOwn(properties, name)) return undefined;
  return put(pointerTo(holder, 'properties', name), {}, `${message}: it may be anything`);
});

/** The columns below a schema as its `properties` say, an object that is kept whole being one. */
function columnsOf(node: unknown): number {
  if (!isObject(node) || !isObject(node['properties']) || node['x-flatten'] === false) return 1;
  return Object.values(node['properties']).reduce<number>((sum, member) => sum + columnsOf(member), 0);
}

/** Keeps the members of the payload that have the most columns as JSON text, as many of them as it takes. */
const keepLargestObjects = accepting(({ path, message }, { document, maxColumns }) => {
  const { properties } = document;
  if (path !== '/properties' || !isObject(properties)) return undefined;
  let columns = columnsOf(document);
  const kept: string[] = [];
  const bySize = Object.entries(properties).sort(([, a], [, b]) => columnsOf(b) - columnsOf(a));
  for (const [name, node] of bySize) {
    if (columns <= maxColumns || columnsOf(node) === 1) break;
    columns -= columnsOf(node) - 1;
    kept.push(pointerTo(path, name));
  }
  if (kept.length === 0) return undefined;
  return {
    kind: 'kept as JSON text',
    pointer: path,
    note: message,
    edits: kept.map((pointer) => ({ kind: 'put', pointer: pointerTo(pointer, 'x-flatten'), value: false })),
  };
});

/** Leaves out the fields at the end of the file that are past the limit. Events may have them all the same. */
const leaveLastFieldsOut = dropping(({ path, message }, { document, maxColumns }) => {
  const { properties } = document;
  if (path !== '/properties' || !isObject(properties)) return undefined;
  const past = Object.keys(properties).slice(maxColumns);
  if (past.length === 0) return undefined;
  const edits = past.map((name) => ({ kind: 'remove' as const, pointer: pointerTo(path, name) }));
  return { kind: 'left out', pointer: path, note: message, edits };
});

/**
 * Makes the schema that of a member `value`, where events are no objects or have no member with a name of its own. It stays a resource of
 * its own, with its draft and its references.
 */
const wrapRoot = dropping(({ message }, { document, topic }) => {
  if (isObject(document['properties']) && isObject(document['properties']['value'])) return undefined;
  const id = /draft-0?[34]/.test(String(document['$schema'])) ? 'id' : '$id';
  const own = ['x-topic', 'x-version'].filter((word) => document[word] !== undefined);
  const edits: JsonEdit[] = [
    ...own.map((word) => ({ kind: 'remove' as const, pointer: `/${word}` })),
    ...(document['$id'] === undefined && document['id'] === undefined
      ? [{ kind: 'put' as const, pointer: `/${id}`, value: `urn:lean-ops:${topic ?? 'event'}`, first: true }]
      : []),
  ];
  const around = {
    $schema: CURRENT_DIALECT,
    ...Object.fromEntries(own.map((word) => [word, document[word]])),
    type: 'object',
    required: ['value'],
    properties: { value: {} },
  };
  return {
    kind: 'wrapped',
    pointer: '',
    note: `${message}: it describes the member "value" now, so send events as { "value": … }`,
    edits: [],
    rewrite: (text) =>
      editValue(`${JSON.stringify(around, null, 2)}\n`, '/properties/value', editJson(text, edits).trim()),
  };
});

/** Puts the text of a value at the place of another one. */
function editValue(text: string, pointer: string, value: string): string {
  const source = readJsonSource(text);
  const span = source.ok ? source.span(pointer) : undefined;
  return span === undefined ? text : text.slice(0, span.start) + value + text.slice(span.end);
}

const stateTopic = dropping((_problem, { topic }) =>
  topic === undefined ? undefined : put('/x-topic', topic, `x-topic is ${topic}`, 'header'),
);
const stateVersion = dropping(() => put('/x-version', 1, 'x-version is 1', 'header'));
const stateDialect = dropping(({ message }) =>
  put('/$schema', CURRENT_DIALECT, `${message}: it is read as 2020-12`, 'header'),
);

/** A word that nothing enforces: the author's word for it, beside it or else at the top of the file. */
const NOT_ENFORCED = [acceptWord, acceptPlace, leaveOut];
const NAME = [keepObjectAround, leaveFieldOut];

/** The mends of each code, those first that say the most. A code that has none gets {@link OTHERWISE}. */
export const MENDS: Readonly<Record<string, readonly Mend[]>> = {
  UNKNOWN_KEYWORD: [correctWord, leaveOut],
  UNENFORCED_KEYWORD: NOT_ENFORCED,
  UNSUPPORTED_FORMAT: NOT_ENFORCED,
  PATTERN_UNSAFE: NOT_ENFORCED,
  PATTERN_INVALID: NOT_ENFORCED,
  PATTERN_UNSUPPORTED: NOT_ENFORCED,
  PATTERN_TOO_LONG: NOT_ENFORCED,
  PATTERN_AMBIGUOUS: NOT_ENFORCED,
  TOO_DEEP: [keepObjectAround, leaveFieldOut],
  TOO_MANY_COLUMNS: [keepLargestObjects, leaveLastFieldsOut],
  COLUMN_COLLISION: NAME,
  COLUMN_NAME_TOO_LONG: NAME,
  UNSAFE_NAME: NAME,
  EMPTY_NAME: NAME,
  NAME_WITHOUT_LETTERS: NAME,
  PARTITION_NAME: NAME,
  REQUIRED_UNKNOWN: [declareRequired, leaveOut],
  REQUIRED_DUPLICATE: [takeRepeatOut],
  ENUM_DUPLICATE: [takeRepeatOut],
  NO_FIELDS: [wrapRoot],
  ROOT_TYPE: [wrapRoot],
  TOPIC_MISMATCH: [stateTopic],
  INVALID_TOPIC: [stateTopic],
  INVALID_VERSION: [stateVersion],
  UNSUPPORTED_CURRENT_DIALECT: [stateDialect],
  UNKNOWN_CURRENT_DIALECT: [stateDialect],
};

export const OTHERWISE: readonly Mend[] = [leaveOut];

/** The members of the header that a file lacks, in front of everything else; none where it has them all. */
export function headerMends(document: JsonObject, topic: string | undefined, version: number): Mended[] {
  const header: readonly (readonly [string, unknown])[] = [
    ['$schema', CURRENT_DIALECT],
    ['x-topic', topic],
    ['x-version', version],
  ];
  return header.flatMap(([word, value]): Mended[] =>
    value === undefined || Object.hasOwn(document, word)
      ? []
      : [
          {
            kind: 'header',
            pointer: `/${word}`,
            note: `${JSON.stringify(word)} is ${JSON.stringify(value)}`,
            edits: [{ kind: 'put', pointer: `/${word}`, value, first: true }],
          },
        ],
  );
}
