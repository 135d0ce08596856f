import { columnName, ENGINE_COLUMNS, MAX_COLUMNS, MAX_DEPTH, pathText } from '../schema/columns';
import { profiledColumns, type ColumnCounts, type KindCount, type OverflowColumns } from './profile-statements';
import { inferField } from './column-type';
import type { JsonObject } from '../json/value';
import { partitionNames } from '../schema/partition';
import { listed } from '../problem';

/** A draft of a topic's schema. */
export interface InferredSchema {
  readonly document: JsonObject;
  /** Remarks for the author of the schema, one sentence each. */
  readonly notes: readonly string[];
}

/** A column for which the draft has a field. */
interface DraftField {
  readonly column: string;
  readonly path: readonly string[];
  readonly field: JsonObject;
  /** Whether every row has a value. */
  readonly always: boolean;
  /** About how many different values there are. */
  readonly distinct: number;
  readonly rows: number;
}

interface DraftObject {
  readonly type: 'object';
  required?: string[] | undefined;
  readonly properties: Record<string, unknown>;
}

/** Names of columns that name the thing that a row is about. */
const IDENTITY = /^(?:(?:.*_)?(?:id|uuid|guid|serial|imei|vin|mac)|key)$/;
/** The same as producers write it: `deviceId`. */
const CAMEL_IDENTITY = /[a-z0-9]I[dD]$/;
/** Names of columns that say when it happened. */
const TIME = /^(?:.*_)?(?:at|time|timestamp|ts)$/;
const GUESSED_NAMES =
  'names are as in the tables, in lower case, where the table does not say the path: write them as the producers do (case, hyphens, dots)';
/** A text field with at most this many different values may be meant as an enum. */
const FEW = 10;
/** The names of Curated's partition by a draft, which declares no event time. */
const PARTITION_NAMES = partitionNames(undefined);
/** The least number of rows for which an enum is proposed. */
const MANY_ROWS = 50;

/**
 * Drafts a topic's schema that every row it was made from passes. The same counts give the same draft.
 *
 * @param tableColumns names of the Standardized table's columns, in its order
 * @param overflow columns whose values are in rescued_data only
 * @param paths the paths of the columns of which the table says it, as the producers write them
 * @param declared the column of the event time that the version before declares. A first version gets a proposal; a later
 * one keeps what is declared, as Curated's partitions cannot change.
 */
export function inferSchema(
  topic: string,
  version: number,
  tableColumns: readonly string[],
  overflow: OverflowColumns,
  { rows, kinds }: ColumnCounts,
  paths: ReadonlyMap<string, readonly string[]> = new Map(),
  declared?: string,
): InferredSchema {
  const columns = [...tableColumns, ...overflow.columns];
  const byColumn = new Map<string, KindCount[]>();
  for (const one of kinds) byColumn.set(one.column, [...(byColumn.get(one.column) ?? []), one]);
  const payload = profiledColumns(columns);
  const fields = new Map(
    payload.flatMap((column) => {
      const field = inferField(byColumn.get(column) ?? []);
      return field === undefined ? [] : [[column, field] as const];
    }),
  );
  // An empty object inside a column that has values of its own would turn that column into an object, so it becomes a
  // text field.
  for (const column of payload.filter((name) => byColumn.has(name) && !fields.has(name))) {
    if (holderColumns(column).some((name) => fields.has(name))) fields.set(column, { type: 'string' });
  }
  const unreadable = columns.filter((name) => ENGINE_COLUMNS.has(name));
  const notes = unreadable.map(
    (column) =>
      `${column} is left out: query engines reserve that name, so the column cannot be read: rename it (docs/data-contracts.md#flattening)`,
  );
  notes.push(...overflowNotes(overflow));
  const all: DraftField[] = [];
  for (const [column, field] of fields) {
    const path = sourcePath(column, paths.get(column), (name) => fields.has(name));
    if (path === undefined) {
      notes.push(`${column} is left out: a schema cannot have a field of that name`);
      continue;
    }
    if (PARTITION_NAMES.has(column)) {
      notes.push(`${column} is left out: Curated's partition may have that name; rename the field at the producer`);
      continue;
    }
    const counts = byColumn.get(column) ?? [];
    const there = counts.reduce((sum, one) => sum + one.rows, 0);
    const distinct = counts.reduce((sum, one) => sum + one.distinct, 0);
    all.push({ column, path, field, always: there === rows, distinct, rows: there });
  }
  const found = mostFrequent(all);
  if (found.length < all.length) {
    const gone = all.filter((one) => !found.includes(one)).map(({ column }) => column);
    notes.push(
      `left out, as a schema has at most ${MAX_COLUMNS} columns and the fewest rows have these: ${listed(gone)}`,
    );
  }
  const holders = new Set(payload.flatMap(holderColumns));
  const empty = payload.filter((column) => !fields.has(column) && !holders.has(column));
  if (empty.length > 0) notes.push(`left out, as no row had a value for it: ${listed(empty)}`);
  const times = eventTimes(found, new Set(columns));
  const eventTime = version === 1 ? times[0] : times.find(({ column }) => column === declared);
  const critical = criticalColumns(found, eventTime);
  const root = emptyObject();
  for (const one of found) place(root, one, critical.has(one.column));
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: titleOf(topic),
    'x-topic': topic,
    'x-version': version,
    ...(eventTime && { 'x-event-time': pathText(eventTime.path) }),
    ...root,
  };
  const guessed = found.some(({ column }) => !paths.has(column));
  const proposal = version === 1 ? [eventTimeNote(times)] : [];
  return { document, notes: [...notes, ...proposal, ...advice(found, critical), ...(guessed ? [GUESSED_NAMES] : [])] };
}

function overflowNotes({ columns, leftOut }: OverflowColumns): string[] {
  if (columns.length === 0) return [];
  const others = leftOut === 0 ? '' : `; ${leftOut} more that fewer rows have are left out`;
  return [`only in rescued_data, as the table has max_columns columns: ${listed(columns)}${others}`];
}

/** As many fields as a schema may have, in their order: those that most rows have. */
function mostFrequent(all: readonly DraftField[]): readonly DraftField[] {
  const kept = new Set([...all].sort((one, other) => other.rows - one.rows).slice(0, MAX_COLUMNS));
  return all.filter((one) => kept.has(one));
}

/**
 * The columns of the objects that a column may lie in: `a` and `a__b` of `a__b__c`, and of `_deleted__by` the column of
 * `_deleted`, which is another one.
 */
function holderColumns(column: string): string[] {
  return [...column.matchAll(/(?=__)/g)].map(({ index }) => columnName([column.slice(0, index)]));
}

/**
 * A path of member names that ends in the column: the known one, where a schema can have it. The column's name stays
 * whole where a part of it is no name, or is a column with values of its own. undefined where no path of a schema ends in
 * the column.
 */
function sourcePath(
  column: string,
  known: readonly string[] | undefined,
  isField: (column: string) => boolean,
): readonly string[] | undefined {
  if (known !== undefined && isLegal(known) && (known.length === 1 || !holderColumns(column).some(isField)))
    return known;
  const own = column.slice('payload__'.length);
  if (column.startsWith('payload__') && columnName([own]) === column) return [own];
  const parts = column.split('__');
  const nested =
    parts.length <= MAX_DEPTH && parts.every((part) => /[a-z0-9]/.test(part)) && !holderColumns(column).some(isField);
  const path = nested ? parts : [column];
  return isLegal(path) && columnName(path) === column ? path : undefined;
}

/** Whether a schema may have fields of these names. */
function isLegal(path: readonly string[]): boolean {
  return path.every((name) => name !== '__proto__' && /[a-z0-9]/.test(columnName([name])));
}

/**
 * The columns proposed as critical: one that names the thing and one that says when, if every row has a value there.
 */
function criticalColumns(found: readonly DraftField[], eventTime: DraftField | undefined): ReadonlySet<string> {
  const candidates = found.filter(({ path, always }) => path.length === 1 && always);
  const identity = candidates.find(
    ({ column, field, path }) =>
      (IDENTITY.test(column) || CAMEL_IDENTITY.test(path.at(-1) ?? '')) &&
      (field['type'] === 'integer' || (field['type'] === 'string' && !('format' in field))),
  );
  const times = candidates.filter(({ field }) => field['format'] === 'date-time');
  const time = eventTime ?? times.find(({ column }) => TIME.test(column)) ?? times[0];
  return new Set([identity, time].flatMap((one) => (one === undefined ? [] : [one.column])));
}

/** The fields that may say when it happened, the likeliest first: timestamps that every row has. */
function eventTimes(found: readonly DraftField[], columns: ReadonlySet<string>): DraftField[] {
  const likeliness = ({ column, path }: DraftField) => (path.length === 1 ? 2 : 0) + (TIME.test(column) ? 1 : 0);
  return found
    .filter(({ field, always, column }) => {
      const taken = [...partitionNames(column)].some((name) => columns.has(name) && !PARTITION_NAMES.has(name));
      return field['format'] === 'date-time' && always && !taken;
    })
    .map((one, index) => ({ one, index }))
    .sort((a, b) => likeliness(b.one) - likeliness(a.one) || a.index - b.index)
    .map(({ one }) => one);
}

function eventTimeNote([proposed, ...others]: readonly DraftField[]): string {
  if (proposed === undefined) {
    return 'no x-event-time is proposed, as no timestamp is in every row; a later version cannot add it';
  }
  const also = others.map(({ path }) => pathText(path));
  const choice = also.length === 0 ? '' : ` (every row also has ${listed(also)}: choose one)`;
  return `${pathText(proposed.path)} is proposed as x-event-time${choice}: Curated is partitioned by its day, and a later version cannot change it`;
}

/** An object without fields. Its members are in the order in which people write them. */
function emptyObject(): DraftObject {
  return { type: 'object', required: undefined, properties: {} };
}

function place(root: DraftObject, { path, field, always }: DraftField, critical: boolean): void {
  let at = root;
  path.forEach((name, depth) => {
    if (always && !at.required?.includes(name)) at.required = [...(at.required ?? []), name];
    if (depth === path.length - 1) {
      at.properties[name] = critical ? { ...field, 'x-cde': true } : field;
      return;
    }
    // A field may be called like a member that every object inherits: toString, constructor.
    if (!Object.hasOwn(at.properties, name)) at.properties[name] = emptyObject();
    at = at.properties[name] as DraftObject;
  });
}

function advice(found: readonly DraftField[], critical: ReadonlySet<string>): string[] {
  const names = (some: readonly DraftField[]) => some.map(({ path }) => pathText(path));
  const few = found.filter(
    ({ field, distinct, rows }) =>
      field['type'] === 'string' && !('format' in field) && rows >= MANY_ROWS && distinct <= FEW,
  );
  const decimals = found.filter(({ field }) => String(field['x-type']).startsWith('decimal'));
  return [
    ...(critical.size > 0
      ? [
          `${names(found.filter(({ column }) => critical.has(column))).join(' and ')}: proposed as critical (x-cde), so rows without a valid value are rejected`,
        ]
      : ['no field is proposed as critical (x-cde), as no id and no timestamp is in every row']),
    ...few
      .filter(({ distinct }) => distinct > 1)
      .map(({ path, distinct }) => `${pathText(path)} has about ${distinct} different values: an enum may fit`),
    ...(decimals.length > 0
      ? [
          `${listed(names(decimals))}: all values have the same number of decimals, so a decimal is proposed; ` +
            'that number cannot change later',
        ]
      : []),
    ...(found.some(({ field }) => field['type'] === 'number' || field['type'] === 'integer')
      ? ['a field with only numbers is drafted as a number: for a version or a serial number write "type": "string"']
      : []),
  ];
}

function titleOf(topic: string): string {
  const words = topic.replace(/[._-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
