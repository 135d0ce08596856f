import typeTable from '../../../../../schemas/type-table.json';
import { columnName, pathSegments, pathText } from './columns';
import { canonicalNumber, numberReader, type NumberAt } from '../json/exact-number';
import { isObject, pointerTo, type JsonObject } from '../json/value';
import {
  IN_PLACE_WORDS,
  JSON_TYPES,
  SCHEMA_IN,
  SCHEMAS_BY_NAME,
  SCHEMAS_IN_LIST,
  WORDS_OF_TYPE,
} from '../keywords/words';

/**
 * The rules on a value beyond its type, by keyword. Numbers are texts of all their digits, and equal ones have one text
 * (see canonicalNumber). The bounds of a double or float are the doubles that values are compared with.
 */
export interface Constraints {
  /** The allowed values as JSON texts. */
  readonly enum?: readonly string[];
  readonly minimum?: string;
  readonly maximum?: string;
  readonly exclusiveMinimum?: string;
  readonly exclusiveMaximum?: string;
  readonly minLength?: string;
  readonly maxLength?: string;
  readonly pattern?: string;
  /** Any other word that judges the value or its text, by its canonical JSON with the schemas that it refers to. */
  readonly others?: Readonly<Record<string, string>>;
}

/** A path that a field had in older events (`x-renamed-from`), and the column that it had there. */
export interface FormerName {
  readonly path: readonly string[];
  readonly column: string;
}

/** One leaf of a topic schema, and the Curated column it becomes. */
export interface SchemaColumn {
  /** Member names from the payload's root on: `['meta', 'gps', 'lat']`. */
  readonly path: readonly string[];
  /** JSON pointer to the field in the schema file. */
  readonly pointer: string;
  readonly column: string;
  /** The JSON type; of a field of several types all of them, in the order of the alphabet: `integer|string`. */
  readonly jsonType: string;
  /** The type of the Curated column, as Athena writes it. */
  readonly athenaType: string;
  /** How a time is read from the value: `x-type`, `x-time-zone` and `x-time-forms`; empty where none of them counts. */
  readonly reading: string;
  /** Whether the value may be an object, which is then kept as one value, exactly as sent. */
  readonly opaque: boolean;
  /** Critical data element (`x-cde`): a row without a valid value is rejected. */
  readonly cde: boolean;
  /** Whether `required` lists it: absence is a violation then, which rejects the row only where `cde` is set too. */
  readonly required: boolean;
  /** Where its value is looked for in events that have none under its own path, in this order. */
  readonly formerNames: readonly FormerName[];
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly constraints: Constraints;
}

/**
 * An object inside the payload. It has no column in Curated, and rows are validated by it all the same: whatever else
 * stands in its place is a violation, and so is its absence where it is required.
 */
export interface SchemaObject {
  readonly path: readonly string[];
  readonly pointer: string;
  /** The column of Standardized in which an empty object, or a value in its place, lies. */
  readonly column: string;
  readonly required: boolean;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** What judges several members at once, by keyword, as canonical JSON with the schemas that it refers to. */
  readonly rules: Readonly<Record<string, string>>;
  /** Whether a row that breaks one of the rules is rejected (`x-cde`). */
  readonly cde: boolean;
}

/** What becomes of rows with members that a closed object does not name. */
export type Undeclared = 'record' | 'note' | 'reject';

/** A topic schema as the pipeline uses it. Columns and objects are in the order of the file. */
export interface TopicSchema {
  readonly topic: string;
  readonly version: number;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** The column of the field that `x-event-time` names, which holds when it happened. */
  readonly eventTime: string | undefined;
  /** Whether a correction keeps the event time: that of the declared field, or else the envelope's. */
  readonly eventTimeStable: boolean;
  /** Whether this version validates the rows from before it again (`x-backfill`). */
  readonly backfill: boolean;
  /** Whether recorded errors that are valid under this version are replayed by themselves (`x-replay-errors`). */
  readonly replayErrors: boolean;
  /** Why this version may break the one before it (`x-breaking`, `x-breaking-reason`); undefined where it may not. */
  readonly breakingReason: string | undefined;
  readonly undeclared: Undeclared;
  readonly columns: readonly SchemaColumn[];
  readonly objects: readonly SchemaObject[];
  /** The payload itself: its rules, and whether a row that breaks one is rejected. */
  readonly root: Pick<SchemaObject, 'rules' | 'cde'>;
  /**
   * The paths whose objects and arrays are kept as the JSON text that was sent (`x-flatten: false`), those of former names included.
   * docs/decisions/0053-opaque-paths.md.
   */
  readonly opaquePaths: readonly (readonly string[])[];
}

export const CONSTRAINT_KEYWORDS = [
  'enum',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'pattern',
] as const satisfies readonly (keyof Constraints)[];

const DECIMAL = /^decimal\((\d+),(\d+)\)$/;

/** Precision and scale of `decimal(p,s)`; undefined for any other type. */
export function decimalOf(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const match = DECIMAL.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** A row of schemas/type-table.json: the column type for a type, format and x-type. */
interface TypeRow {
  readonly type: string;
  readonly format?: string;
  readonly 'x-type'?: string;
  readonly column: string;
}

/** Formats that make a column of a text of their own. */
const TIMES: ReadonlySet<unknown> = new Set(['date-time', 'date']);

/** The JSON types of a field of the normal form, in the order of the alphabet; all of them where it states none. */
export function typesOf(field: JsonObject): readonly string[] {
  const { type } = field;
  if (type === undefined) return ['array', 'boolean', 'number', 'object', 'string'];
  return (Array.isArray(type) ? (type as unknown[]) : [type]).map(String);
}

/** Whether a field of the normal form is an object whose members are fields. */
export function isFlattened(field: JsonObject): boolean {
  return field['type'] === 'object' && field['x-flatten'] !== false && isObject(field['properties']);
}

/** Whether a value of the field may be an object, which is then kept as one. */
export function isOpaque(field: JsonObject): boolean {
  return field['x-flatten'] === false || (typesOf(field).includes('object') && !isFlattened(field));
}

/**
 * The column type of a field by schemas/type-table.json: of a field of several types the one that holds them all. undefined for an
 * object whose members are fields, which has no column, and for an unknown type.
 */
export function athenaTypeOf(field: JsonObject): string | undefined {
  if (isFlattened(field)) return undefined;
  const types = typesOf(field);
  const [type] = types;
  if (types.length > 1 || type === 'object') {
    if (!types.every((one) => (JSON_TYPES as readonly string[]).includes(one))) return undefined;
    return types.every((one) => one === 'integer' || one === 'number') ? 'double' : 'string';
  }
  const xType = field['x-type'];
  const decimal = typeof xType === 'string' && decimalOf(xType) !== undefined;
  const rows: readonly TypeRow[] = typeTable.types;
  const format = type === 'string' && TIMES.has(field['format']) ? field['format'] : undefined;
  const row = rows.find(
    (one) => one.type === type && one.format === format && one['x-type'] === (decimal ? 'decimal(p,s)' : xType),
  );
  return decimal && row ? xType : row?.column;
}

/** A leaf or object of a schema's tree. */
export interface FieldVisit {
  readonly path: readonly string[];
  readonly pointer: string;
  readonly field: JsonObject;
  readonly required: boolean;
}

/**
 * Every field of a schema, depth first, in the order of the file. Members that are no objects are skipped, so that
 * semantic checks can run on a schema that structural checks refuse.
 *
 * @param node a schema whose depth was checked
 */
export function* fieldsOf(
  node: JsonObject,
  path: readonly string[] = [],
  pointer = '',
): Generator<FieldVisit, void, undefined> {
  const properties = node['properties'];
  if (!isObject(properties)) return;
  const required = new Set<unknown>(Array.isArray(node['required']) ? (node['required'] as unknown[]) : []);
  for (const [name, field] of Object.entries(properties)) {
    if (!isObject(field)) continue;
    const visit = {
      path: [...path, name],
      pointer: pointerTo(pointer, 'properties', name),
      field,
      required: required.has(name),
    };
    yield visit;
    if (isFlattened(field)) yield* fieldsOf(field, visit.path, visit.pointer);
  }
}

/** The paths that `x-renamed-from` of a field names: one, or a list. Anything else in it is left out. */
export function formerNamesOf(field: JsonObject): FormerName[] {
  const stated = field['x-renamed-from'];
  const texts: unknown[] = Array.isArray(stated) ? stated : [stated];
  return texts
    .filter((text) => typeof text === 'string' && text !== '')
    .map((text) => {
      const path = pathSegments(text as string);
      return { path, column: columnName(path) };
    });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Whether a column's values are compared with a bound as doubles; all others are compared by all their digits. */
export function comparesDoubles(athenaType: string | undefined): boolean {
  return athenaType === 'double' || athenaType === 'float';
}

function constraintsOf(
  { field, pointer }: FieldVisit,
  athenaType: string,
  numberAt: NumberAt,
  canonical: CanonicalWords,
): Constraints {
  const numberText = (value: number, place: string) =>
    canonicalNumber(comparesDoubles(athenaType) ? String(value) : numberAt(place));
  const plain = CONSTRAINT_KEYWORDS.filter((keyword) => field[keyword] !== undefined).map((keyword) => {
    const value = field[keyword];
    const place = pointerTo(pointer, keyword);
    if (typeof value === 'number') return [keyword, numberText(value, place)];
    if (!Array.isArray(value)) return [keyword, value];
    const texts = value.map((one: unknown, index) =>
      typeof one === 'number' ? numberText(one, pointerTo(place, index)) : JSON.stringify(one),
    );
    return [keyword, texts];
  });
  const others = canonical(field, pointer, (word) => judgesValues(word, field));
  return { ...(Object.fromEntries(plain) as Constraints), ...(Object.keys(others).length > 0 && { others }) };
}

const PLAIN: ReadonlySet<string> = new Set(CONSTRAINT_KEYWORDS);

/** Whether a word of a leaf judges its value beyond its column's type and the plain constraints. */
function judgesValues(word: string, field: JsonObject): boolean {
  if (word === 'format') return !(field['type'] === 'string' && TIMES.has(field['format']));
  return (
    !PLAIN.has(word) &&
    (word === 'const' || (IN_PLACE_WORDS as readonly string[]).includes(word) || WORDS_OF_TYPE.has(word))
  );
}

/** Whether a word of an object with fields judges several of them at once, or members that it does not name. */
export function judgesMembers(word: string, node: JsonObject): boolean {
  if (word === 'additionalProperties') return node[word] === false;
  return (
    (IN_PLACE_WORDS as readonly string[]).includes(word) ||
    (WORDS_OF_TYPE.get(word) === 'object' && word !== 'properties' && word !== 'required')
  );
}

/** Gives the words of a node that pass a test, by canonical JSON. */
type CanonicalWords = (
  node: JsonObject,
  pointer: string,
  passes: (word: string, node: JsonObject) => boolean,
) => Readonly<Record<string, string>>;

/** Equal words have one text, with all digits of their numbers and with what their references lead to. */
function canonicalWords(document: JsonObject, numberAt: NumberAt): CanonicalWords {
  const defs = isObject(document['$defs']) ? document['$defs'] : {};
  /**
   * @param holds what the value is: a schema, schemas by name, or what has no schemas in it
   * @param led the definitions that the text has led to so far, by the order in which it did
   */
  const text = (
    value: unknown,
    pointer: string,
    holds: 'schema' | 'names' | 'data',
    led: Map<string, number>,
  ): string => {
    if (typeof value === 'number') return canonicalNumber(numberAt(pointer));
    if (Array.isArray(value)) {
      return `[${(value as unknown[]).map((one, index) => text(one, pointerTo(pointer, index), holds, led)).join(',')}]`;
    }
    if (!isObject(value)) return JSON.stringify(value);
    const isSchema = holds === 'schema';
    const members = Object.keys(value)
      .filter((word) => !isSchema || !ANNOTATIONS.has(word))
      .sort()
      .map((word) => {
        const place = isSchema && word === '$ref' ? placeOf(value[word], led) : undefined;
        if (place !== undefined) return `${JSON.stringify(word)}:${place}`;
        const inner = isSchema ? heldBy(word) : holds === 'names' ? 'schema' : 'data';
        return `${JSON.stringify(word)}:${text(value[word], pointerTo(pointer, word), inner, led)}`;
      });
    return `{${members.join(',')}}`;
  };
  /** What a reference leads to, by a number, so that the name does not count. */
  const placeOf = (ref: unknown, led: Map<string, number>): number | undefined => {
    const name = typeof ref === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(ref)?.[1] : undefined;
    const target = name?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (target === undefined || !Object.hasOwn(defs, target)) return undefined;
    if (!led.has(target)) led.set(target, led.size);
    return led.get(target);
  };
  /** Each definition stands there once: two may lead to the same two, which lead to the same two again. */
  const whole = (value: unknown, pointer: string, holds: 'schema' | 'names' | 'data'): string => {
    const led = new Map<string, number>();
    const parts = [text(value, pointer, holds, led)];
    // A definition that leads on makes the map longer while it is walked through.
    for (const name of led.keys()) parts.push(text(defs[name], pointerTo('/$defs', name), 'schema', led));
    return parts.join(';');
  };
  return (node, pointer, passes) =>
    Object.fromEntries(
      Object.keys(node)
        .filter((word) => passes(word, node))
        .map((word) => [word, whole(node[word], pointerTo(pointer, word), heldBy(word))]),
    );
}

function heldBy(word: string): 'schema' | 'names' | 'data' {
  if (SCHEMA_IN.has(word) || SCHEMAS_IN_LIST.has(word)) return 'schema';
  return SCHEMAS_BY_NAME.has(word) ? 'names' : 'data';
}

/** Words for the reader, which change no verdict. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'title',
  'description',
  '$comment',
  'examples',
  'default',
  'deprecated',
]);

const READING_WORDS = ['x-type', 'x-time-zone', 'x-time-forms'] as const;

function readingOf(field: JsonObject, athenaType: string): string {
  if (athenaType !== 'timestamp') return '';
  return READING_WORDS.flatMap((word) => (typeof field[word] === 'string' ? [`${word} ${field[word]}`] : [])).join(
    ', ',
  );
}

const UNDECLARED: ReadonlySet<unknown> = new Set<Undeclared>(['record', 'note', 'reject']);

/** What `x-undeclared` of a file says; `record` where it says nothing that is known. */
export function undeclaredOf(document: JsonObject): Undeclared {
  const stated = document['x-undeclared'];
  return UNDECLARED.has(stated) ? (stated as Undeclared) : 'record';
}

/**
 * Reads the model of a schema in its normal form.
 *
 * @param text the text of the schema, for the digits of its numbers
 * @param document the same text as JSON.parse reads it
 */
export function readTopicSchema(text: string, document: JsonObject): TopicSchema {
  const numberAt = numberReader(text);
  const canonical = canonicalWords(document, numberAt);
  const columns: SchemaColumn[] = [];
  const objects: SchemaObject[] = [];
  const opaquePaths: (readonly string[])[] = [];
  for (const visit of fieldsOf(document)) {
    const { path, pointer, field, required } = visit;
    const common = {
      path,
      pointer,
      column: columnName(path),
      required,
      title: textOf(field['title']),
      description: textOf(field['description']),
    };
    if (isFlattened(field)) {
      objects.push({ ...common, rules: canonical(field, pointer, judgesMembers), cde: field['x-cde'] === true });
    }
    const athenaType = athenaTypeOf(field);
    const opaque = isOpaque(field);
    if (athenaType === undefined) continue;
    if (opaque) opaquePaths.push(path, ...formerNamesOf(field).map((former) => former.path));
    columns.push({
      ...common,
      jsonType: typesOf(field).join('|'),
      athenaType,
      reading: readingOf(field, athenaType),
      opaque,
      cde: field['x-cde'] === true,
      formerNames: formerNamesOf(field),
      constraints: constraintsOf(visit, athenaType, numberAt, canonical),
    });
  }
  return {
    topic: String(document['x-topic']),
    version: Number(document['x-version']),
    title: textOf(document['title']),
    description: textOf(document['description']),
    eventTime: columns.find(({ path }) => pathText(path) === document['x-event-time'])?.column,
    eventTimeStable: document['x-event-time-stable'] === true,
    backfill: document['x-backfill'] === true,
    replayErrors: document['x-replay-errors'] === true,
    breakingReason: document['x-breaking'] === true ? textOf(document['x-breaking-reason']) : undefined,
    undeclared: undeclaredOf(document),
    columns,
    objects,
    root: { rules: canonical(document, '', judgesMembers), cde: document['x-cde'] === true },
    opaquePaths,
  };
}
