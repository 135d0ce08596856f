/**
 * The changes of the objects inside the payload. They have no column in Curated, and rows are validated by them: what
 * else stands in an object's place is a violation, and so is its absence where it is required.
 */
import { annotation, breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { demandOf, requiredChange, strictest, type Demand } from './required-changes';
import { ruleChanges } from './rule-changes';
import { memberPrefix } from '../schema/columns';
import type { SchemaObject, TopicSchema } from '../schema/model';

/** All objects of a schema that share a column, as their names differ by case or punctuation only. */
interface ObjectColumn {
  readonly column: string;
  readonly pointer: string;
  readonly demand: Demand;
  readonly annotations: string;
  readonly rules: Readonly<Record<string, string>>;
  readonly cde: boolean;
}

function objectColumns({ objects }: TopicSchema): Map<string, ObjectColumn> {
  const byColumn = new Map<string, SchemaObject[]>();
  for (const one of objects) byColumn.set(one.column, [...(byColumn.get(one.column) ?? []), one]);
  return new Map(
    [...byColumn].map(([column, sharing]) => [
      column,
      {
        column,
        pointer: sharing[0]?.pointer ?? '',
        demand: strictest(sharing.map(demandOf)),
        rules: Object.assign({}, ...sharing.map(({ rules }) => rules)) as Readonly<Record<string, string>>,
        cde: sharing.some(({ cde }) => cde),
        annotations: JSON.stringify(sharing.map(({ title, description }) => [title ?? null, description ?? null])),
      },
    ]),
  );
}

/** The objects that a candidate adds or changes, in its own order. */
export function objectAdditionsAndChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const before = objectColumns(active);
  const fields = new Set(candidate.columns.map(({ column }) => column));
  return [...objectColumns(candidate).values()].flatMap((now) => {
    const old = before.get(now.column);
    if (old === undefined) return [objectAdded(now, fields.has(now.column)), ...ruleChanges(now, {}, now.rules)];
    const { pointer, column } = now;
    return [
      ...requiredChange(pointer, column, old.demand, now.demand),
      ...ruleChanges(now, old.rules, now.rules),
      ...objectCriticalChange(pointer, column, old.cde, now.cde),
      ...(old.annotations === now.annotations
        ? []
        : [annotation(pointer, column, old.annotations, now.annotations, `the title or description of ${column}`)]),
    ];
  });
}

/** Whether rows that break a rule of an object are rejected: what no row broke before none breaks now. */
export function objectCriticalChange(
  pointer: string,
  column: string | null,
  before: boolean,
  after: boolean,
): SchemaChange[] {
  if (before === after) return [];
  const what = column ?? 'the payload';
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: after ? `${pointer}/x-cde` : pointer,
    column,
    before: `x-cde ${before}`,
    after: `x-cde ${after}`,
  };
  return after
    ? [
        breaking(
          { ...facts, sentence: `${what} becomes x-cde: rows that break its rules are rejected, and older ones may` },
          "leave x-cde out: only a topic's first version can set it",
        ),
      ]
    : [compatible({ ...facts, sentence: `${what} is no longer x-cde` })];
}

/** The objects that a candidate lacks. */
export function objectRemovals(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const after = objectColumns(candidate);
  return [...objectColumns(active).values()]
    .filter(({ column }) => !after.has(column))
    .map((old) => objectRemoved(old, candidate));
}

function objectAdded({ column, pointer, demand }: ObjectColumn, isField: boolean): SchemaChange {
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: pointer,
    column,
    before: 'type none',
    after: 'type object',
  };
  if (isField) {
    return breaking(
      { ...facts, sentence: `${column} is now an object as well as a field, so the field's values would become NULL` },
      'give the object another name than the field: upper and lower case alone do not count',
    );
  }
  if (demand !== undefined) {
    return breaking(
      { ...facts, sentence: `the new object ${column} is required, but older rows may lack it` },
      'add it without required',
    );
  }
  return compatible({
    ...facts,
    sentence: `${column} is now an object: another value in its place is recorded in errors, and no other field changes`,
  });
}

function objectRemoved({ column, pointer }: ObjectColumn, candidate: TopicSchema): SchemaChange {
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: pointer,
    column,
    before: 'type object',
    after: 'type none',
  };
  // A column that the schema does not name shows that the field above it came as an object.
  const above = candidate.columns.find((field) => column.startsWith(memberPrefix(field.path)));
  if (above !== undefined) {
    return breaking(
      {
        ...facts,
        sentence: `${column} is no longer an object, so what it holds would count as a member of ${above.column}`,
      },
      'keep the object, with its fields inside it',
    );
  }
  return compatible({ ...facts, sentence: `${column} is no longer an object: any value may stand in its place` });
}
