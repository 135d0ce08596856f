/**
 * Which columns of a candidate are columns of the active schema under another name (`x-renamed-from`), and what a
 * version may say of former names. They are never taken back, as events that have them may come at any time, and a
 * backfill reads older ones again.
 */
import { breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { pointerTo } from '../json/value';
import type { SchemaProblem } from '../problem';
import { pathText } from '../schema/columns';
import type { SchemaColumn, TopicSchema } from '../schema/model';

const KEYWORD = 'x-renamed-from';

/** The active columns that go on under another name, by the name that they get. */
export function renamedColumns(active: TopicSchema, candidate: TopicSchema): ReadonlyMap<string, SchemaColumn> {
  const before = new Map(active.columns.map((column) => [column.column, column]));
  return new Map(
    candidate.columns.flatMap(({ column, formerNames }) => {
      const from = before.has(column)
        ? undefined
        : formerNames.map((former) => before.get(former.column)).find((found) => found !== undefined);
      return from === undefined ? [] : [[column, from] as const];
    }),
  );
}

/**
 * The problems of renames to a name that the table has already, beside the column that is renamed: of a version that was overtaken once
 * its columns were added. A table cannot have the name twice, so the older rows would show NULL under it.
 *
 * @param columns the names of the columns of Curated; undefined where there is no table
 */
export function takenNames(
  active: TopicSchema,
  candidate: TopicSchema,
  columns: Iterable<string> | undefined,
): SchemaProblem[] {
  const taken = new Set(columns);
  const pointers = new Map(candidate.columns.map(({ column, pointer }) => [column, pointer]));
  return [...renamedColumns(active, candidate)].flatMap(([to, { column: from }]) => {
    if (!taken.has(from) || !taken.has(to)) return [];
    return [
      {
        code: 'TABLE_CONFLICT',
        path: pointerTo(pointers.get(to) ?? '', KEYWORD),
        message: `Curated has a column ${to} beside ${from} already, so the values of ${from} cannot go on under that name`,
        hint: `give the field another name, or have Curated rebuilt: lean-ops topic rebuild ${candidate.topic} --from standardized --schema FILE`,
      },
    ];
  });
}

/**
 * The change that a column of the active schema gets another name. Names that stand before the one of the active schema
 * are new, as the field's own is: versions may be skipped.
 */
export function renamed(from: SchemaColumn, to: SchemaColumn): SchemaChange {
  const facts = {
    kind: CHANGE_KINDS.columnRenamed,
    path: pointerTo(to.pointer, KEYWORD),
    column: to.column,
    before: from.column,
    after: to.column,
  };
  const since = to.formerNames.slice(
    0,
    to.formerNames.findIndex(({ column }) => column === from.column),
  );
  // A field that gets back a name that it had looks there first, as every field does.
  const wanted = [...since, from, ...from.formerNames].filter(({ column }) => column !== to.column);
  if (columnsOf(to.formerNames) !== columnsOf(wanted)) {
    return breaking(
      {
        ...facts,
        sentence: `${from.column} becomes ${to.column}, but not all events of before keep their value by these names`,
      },
      `write "${KEYWORD}": ${stated(wanted)}`,
    );
  }
  return compatible({
    ...facts,
    sentence: `the column ${from.column} is renamed to ${to.column} and keeps its values; queries must use the new name`,
  });
}

/** The change of the former names of a column that both schemas have. */
export function formerNameChanges(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  if (columnsOf(before.formerNames) === columnsOf(after.formerNames)) return [];
  const text = ({ formerNames }: SchemaColumn) =>
    `${KEYWORD} ${formerNames.length === 0 ? 'none' : formerNames.map(({ path }) => pathText(path)).join(', ')}`;
  return [
    breaking(
      {
        kind: CHANGE_KINDS.constraintChanged,
        path: after.formerNames.length === 0 ? after.pointer : pointerTo(after.pointer, KEYWORD),
        column: after.column,
        before: text(before),
        after: text(after),
        sentence: `the former names of ${after.column} change, so older events would have another value there`,
      },
      before.formerNames.length === 0
        ? `leave ${KEYWORD} out: only the version that brings a field can declare it`
        : `keep "${KEYWORD}": ${stated(before.formerNames)}`,
    ),
  ];
}

function columnsOf(names: readonly { readonly column: string }[]): string {
  return names.map(({ column }) => column).join();
}

/** Paths as the keyword states them. */
function stated(names: readonly { readonly path: readonly string[] }[]): string {
  const texts = names.map(({ path }) => pathText(path));
  return JSON.stringify(texts.length === 1 ? texts[0] : texts);
}
