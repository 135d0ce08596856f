import { annotation, breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { constraintChanges } from './constraint-changes';
import { objectAdditionsAndChanges, objectCriticalChange, objectRemovals } from './object-changes';
import { readingChanges, ruleChanges, undeclaredChanges } from './rule-changes';
import { flatteningChanges } from './flattening-changes';
import { formerNameChanges, renamed, renamedColumns } from './renames';
import { demandOf, requiredChange, type Demand } from './required-changes';
import { pointerTo } from '../json/value';
import type { SchemaColumn, TopicSchema } from '../schema/model';
import { holdsEveryValue, isPromotion } from '../schema/type-promotion';

/** For each constraint the keywords that may state it, at one of which the change is shown. */
const KEYWORDS_OF_CONSTRAINT = {
  enum: ['enum'],
  'lower bound': ['minimum', 'exclusiveMinimum'],
  'upper bound': ['maximum', 'exclusiveMaximum'],
  minLength: ['minLength'],
  maxLength: ['maxLength'],
  pattern: ['pattern'],
} as const;

/**
 * The changes that a candidate makes, in its own order and removals last. The same pair always gives the same changes,
 * and a schema gives none against itself or a re-ordered copy. A new `x-version` alone is no change.
 */
export function schemaChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const before = new Map(active.columns.map((column) => [column.column, column]));
  const after = new Set(candidate.columns.map(({ column }) => column));
  const renames = renamedColumns(active, candidate);
  const goesOn = new Set([...after, ...[...renames.values()].map(({ column }) => column)]);
  return [
    ...schemaLevelChanges(active, candidate),
    ...flatteningChanges(active, candidate),
    ...objectAdditionsAndChanges(active, candidate),
    ...candidate.columns.flatMap((column) => {
      const old = before.get(column.column);
      if (old) return [...formerNameChanges(old, column), ...columnChanges(old, column)];
      const from = renames.get(column.column);
      return from
        ? [renamed(from, column), ...columnChanges({ ...from, path: column.path }, column, demandOf(from))]
        : [columnAdded(column)];
    }),
    ...active.columns.filter(({ column }) => !goesOn.has(column)).map(columnRemoved),
    ...objectRemovals(active, candidate),
  ];
}

function schemaLevelChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const changes: SchemaChange[] = eventTimeChanges(active, candidate);
  if (active.eventTimeStable !== candidate.eventTimeStable) {
    const facts = {
      kind: CHANGE_KINDS.keywordChanged,
      path: '/x-event-time-stable',
      column: null,
      before: String(active.eventTimeStable),
      after: String(candidate.eventTimeStable),
    };
    changes.push(
      candidate.eventTimeStable
        ? breaking(
            { ...facts, sentence: 'x-event-time-stable is set now, but older rows may have changed their event time' },
            "leave x-event-time-stable out: only a topic's first version can set it",
          )
        : compatible({ ...facts, sentence: 'x-event-time-stable is no longer set: merges read all days' }),
    );
  }
  if (active.backfill !== candidate.backfill) {
    changes.push(
      compatible({
        kind: CHANGE_KINDS.keywordChanged,
        path: '/x-backfill',
        column: null,
        before: String(active.backfill),
        after: String(candidate.backfill),
        sentence: candidate.backfill
          ? 'x-backfill is set: this version checks older rows again'
          : 'x-backfill is no longer set: this version applies to new rows only',
      }),
    );
  }
  if (active.replayErrors !== candidate.replayErrors) {
    changes.push(
      compatible({
        kind: CHANGE_KINDS.keywordChanged,
        path: '/x-replay-errors',
        column: null,
        before: String(active.replayErrors),
        after: String(candidate.replayErrors),
        sentence: candidate.replayErrors
          ? 'x-replay-errors is set: recorded errors that this version mends are replayed by themselves'
          : 'x-replay-errors is no longer set: recorded errors that this version mends are only counted',
      }),
    );
  }
  changes.push(...undeclaredChanges(active, candidate));
  changes.push(...ruleChanges({ pointer: '', column: null }, active.root.rules, candidate.root.rules));
  changes.push(...objectCriticalChange('', null, active.root.cde, candidate.root.cde));
  const annotations = (schema: TopicSchema) => JSON.stringify([schema.title ?? null, schema.description ?? null]);
  if (annotations(active) !== annotations(candidate)) {
    changes.push(annotation('', null, annotations(active), annotations(candidate), 'the title or description'));
  }
  return changes;
}

/** A change of x-event-time is breaking: Curated is partitioned by it, and no statement of Athena changes that. */
function eventTimeChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const before = active.eventTime ?? null;
  const after = candidate.eventTime ?? null;
  if (before === after) return [];
  const facts = { kind: CHANGE_KINDS.keywordChanged, path: '/x-event-time', column: null, before, after };
  const fixed = 'but the table keeps the partitions it was made with';
  if (before === null) {
    return [
      breaking(
        { ...facts, sentence: `x-event-time now names ${after}, ${fixed}` },
        "leave x-event-time out: only a topic's first version can declare it",
      ),
    ];
  }
  const now = after === null ? 'no longer names a field' : `names ${after} instead of ${before}`;
  return [
    breaking(
      { ...facts, sentence: `x-event-time ${now}, ${fixed}` },
      `keep x-event-time at the field of the column ${before}, or start a new topic`,
    ),
  ];
}

function columnAdded(column: SchemaColumn): SchemaChange {
  const facts = {
    kind: CHANGE_KINDS.columnAdded,
    path: column.pointer,
    column: column.column,
    before: null,
    after: column.athenaType,
  };
  if (column.cde || column.required) {
    const word = column.cde ? 'x-cde' : 'required';
    return breaking(
      { ...facts, sentence: `the new column ${column.column} is ${word}, but older rows do not have it` },
      `add it without ${word}`,
    );
  }
  return compatible({
    ...facts,
    sentence: `the column ${column.column} (${column.athenaType}) is added; it is NULL in rows that lack it`,
  });
}

function columnRemoved(column: SchemaColumn): SchemaChange {
  return breaking(
    {
      kind: CHANGE_KINDS.columnRemoved,
      path: column.pointer,
      column: column.column,
      before: column.athenaType,
      after: null,
      sentence: `the column ${column.column} is no longer in the schema, but queries may still read it`,
    },
    column.cde || column.required
      ? 'keep the field, without x-cde and required: it is NULL where producers stop sending it'
      : 'keep the field: it is NULL where producers stop sending it; mark it "deprecated": true',
  );
}

/** The changes of a column. `demand` is what `required` demanded of it: by its former place, where it was renamed. */
function columnChanges(before: SchemaColumn, after: SchemaColumn, demand = demandOf(before)): SchemaChange[] {
  return [
    ...typeChanges(before, after),
    ...obligationChanges(before, after, demand),
    ...constraintChangesOf(before, after),
    ...ruleChanges(after, before.constraints.others ?? {}, after.constraints.others ?? {}),
    ...readingChanges(before, after),
    ...annotationChanges(before, after),
  ];
}

function typeChanges(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  const sameType = before.athenaType === after.athenaType;
  if (sameType && before.jsonType === after.jsonType) return [];
  // An array and a string share a column type, and the values differ.
  const shown = (column: SchemaColumn) => (sameType ? column.jsonType : column.athenaType);
  const facts = {
    kind: CHANGE_KINDS.typeChanged,
    path: after.pointer,
    column: after.column,
    before: shown(before),
    after: shown(after),
  };
  const what = `the type of ${after.column} changes from ${facts.before} to ${facts.after}`;
  if (before.jsonType === after.jsonType && isPromotion(before.athenaType, after.athenaType)) {
    return [compatible({ ...facts, sentence: `${what}, which holds every value it had` })];
  }
  return [
    breaking(
      { ...facts, sentence: `${what}${whyNot(before, after)}` },
      // A column of text gives what Standardized has anyhow.
      after.athenaType === 'string' && after.jsonType === 'string'
        ? `keep ${facts.before}: Standardized has the text of every value already; or add a new field with the new type beside it`
        : `keep ${facts.before}, and add a new field with the new type beside it`,
    ),
  ];
}

/** Why a column cannot change its type: what goes behind the name of the new one. */
function whyNot(before: SchemaColumn, after: SchemaColumn): string {
  if (before.athenaType === after.athenaType) {
    return after.jsonType === 'array'
      ? ', but not every text is a list'
      : ', and queries that expect a list may then find any text';
  }
  return holdsEveryValue(before.athenaType, after.athenaType)
    ? ': every value would fit, but Iceberg cannot change a column that way'
    : ', which does not hold every value it had';
}

function obligationChanges(before: SchemaColumn, after: SchemaColumn, old: Demand): SchemaChange[] {
  const now = demandOf(after);
  // A critical field is there in every valid row, whatever the objects around it are.
  const stays = before.cde && after.cde && before.required === after.required;
  return [
    ...criticalChange(before, after),
    ...(stays ? [] : requiredChange(after.pointer, after.column, old, now, before.cde ? '' : old)),
  ];
}

function criticalChange(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  if (before.cde === after.cde) return [];
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: pointerTo(after.pointer, 'x-cde'),
    column: after.column,
    before: `x-cde ${before.cde}`,
    after: `x-cde ${after.cde}`,
  };
  return after.cde
    ? [
        breaking(
          { ...facts, sentence: `${after.column} becomes x-cde, but older rows may lack a valid value` },
          "leave x-cde out: only a topic's first version can set it",
        ),
      ]
    : [compatible({ ...facts, sentence: `${after.column} is no longer x-cde` })];
}

function constraintChangesOf(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  return constraintChanges(before.constraints, after.constraints).map((change) => {
    const place = KEYWORDS_OF_CONSTRAINT[change.constraint].find((keyword) => after.constraints[keyword] !== undefined);
    const facts = {
      kind: CHANGE_KINDS.constraintChanged,
      path: place === undefined ? after.pointer : pointerTo(after.pointer, place),
      column: after.column,
      before: `${change.constraint} ${change.before}`,
      after: `${change.constraint} ${change.after}`,
    };
    const what = `${change.constraint} of ${after.column} changes from ${change.before} to ${change.after}`;
    return change.loosened
      ? compatible({ ...facts, sentence: `${what}: looser` })
      : breaking(
          { ...facts, sentence: `${what}: values that passed before may fail now` },
          `keep ${change.before === 'none' ? `it without ${change.constraint}` : change.before}, or add a new field with the tighter rule beside it`,
        );
  });
}

function annotationChanges(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  const annotations = ({ path, title, description }: SchemaColumn) =>
    JSON.stringify([path, title ?? null, description ?? null]);
  const old = annotations(before);
  const now = annotations(after);
  return old === now
    ? []
    : [annotation(after.pointer, after.column, old, now, `the spelling, title or description of ${after.column}`)];
}
