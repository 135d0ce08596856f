import typeTable from '../../../../../schemas/type-table.json';
import { columnName, pathSegments, pathText } from './columns';
import { canonicalNumber, numberReader, type NumberAt } from '../json/exact-number';
import { isObject, pointerTo, type JsonObject } from '../json/value';

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
  readonly jsonType: string;
  /** The type of the Curated column, as Athena writes it. */
  readonly athenaType: string;
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
}

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
  readonly columns: readonly SchemaColumn[];
  readonly objects: readonly SchemaObject[];
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

/**
 * The column type of a field by schemas/type-table.json; undefined for an object, which has no column, and for an
 * unknown type.
 */
export function athenaTypeOf(field: JsonObject): string | undefined {
  const xType = field['x-type'];
  const decimal = typeof xType === 'string' && decimalOf(xType) !== undefined;
  const rows: readonly TypeRow[] = typeTable.types;
  const row = rows.find(
    (one) =>
      one.type === field['type'] &&
      one.format === field['format'] &&
      one['x-type'] === (decimal ? 'decimal(p,s)' : xType),
  );
  return decimal && row ? xType : row?.column;
}

/** Whether an object in the place of a field is kept as it was sent, and has no fields of its own. */
export function isOpaque(field: JsonObject): boolean {
  return field['x-flatten'] === false;
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
    if (field['type'] === 'object' && !isOpaque(field)) yield* fieldsOf(field, visit.path, visit.pointer);
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

function constraintsOf({ field, pointer }: FieldVisit, athenaType: string, numberAt: NumberAt): Constraints {
  const numberText = (value: number, place: string) =>
    canonicalNumber(comparesDoubles(athenaType) ? String(value) : numberAt(place));
  return Object.fromEntries(
    CONSTRAINT_KEYWORDS.filter((keyword) => field[keyword] !== undefined).map((keyword) => {
      const value = field[keyword];
      const place = pointerTo(pointer, keyword);
      if (typeof value === 'number') return [keyword, numberText(value, place)];
      if (!Array.isArray(value)) return [keyword, value];
      const texts = value.map((one: unknown, index) =>
        typeof one === 'number' ? numberText(one, pointerTo(place, index)) : JSON.stringify(one),
      );
      return [keyword, texts];
    }),
  );
}

/**
 * Reads the model of a schema that `checkSchema` accepted.
 *
 * @param text the text of the schema, for the digits of its numbers
 * @param document the same text as JSON.parse reads it
 */
export function readTopicSchema(text: string, document: JsonObject): TopicSchema {
  const numberAt = numberReader(text);
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
    const opaque = isOpaque(field);
    if (field['type'] === 'object' && !opaque) objects.push(common);
    const athenaType = opaque ? 'string' : athenaTypeOf(field);
    if (athenaType === undefined) continue;
    if (opaque) opaquePaths.push(path, ...formerNamesOf(field).map((former) => former.path));
    columns.push({
      ...common,
      jsonType: String(field['type']),
      athenaType,
      cde: field['x-cde'] === true,
      formerNames: formerNamesOf(field),
      constraints: constraintsOf(visit, athenaType, numberAt),
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
    columns,
    objects,
    opaquePaths,
  };
}
