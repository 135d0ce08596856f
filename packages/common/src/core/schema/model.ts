import typeTable from '../../../../../schemas/type-table.json';
import { columnName, pathText } from './columns';
import { isObject, pointerTo, type JsonObject } from '../json/value';

/** The rules on a value beyond its type, by keyword. */
export interface Constraints {
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
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
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly constraints: Constraints;
}

/** A topic schema as the pipeline uses it. Columns are in the order of the file. */
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
  readonly columns: readonly SchemaColumn[];
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
    if (field['type'] === 'object') yield* fieldsOf(field, visit.path, visit.pointer);
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function constraintsOf(field: JsonObject): Constraints {
  return Object.fromEntries(
    CONSTRAINT_KEYWORDS.filter((keyword) => field[keyword] !== undefined).map((keyword) => [keyword, field[keyword]]),
  );
}

/** Reads the model of a schema that `checkSchema` accepted. */
export function readTopicSchema(document: JsonObject): TopicSchema {
  const columns: SchemaColumn[] = [];
  for (const { path, pointer, field, required } of fieldsOf(document)) {
    const athenaType = athenaTypeOf(field);
    if (athenaType === undefined) continue;
    columns.push({
      path,
      pointer,
      column: columnName(path),
      jsonType: String(field['type']),
      athenaType,
      cde: field['x-cde'] === true,
      required,
      title: textOf(field['title']),
      description: textOf(field['description']),
      constraints: constraintsOf(field),
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
    columns,
  };
}
