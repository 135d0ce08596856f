import { hash } from 'node:crypto';
import { CHANGE_KINDS, type ChangeKind, type SchemaChange } from './change';
import type { TopicSchema } from '../schema/model';
import { opaqueColumns } from '../schema/opaque-columns';
import { dmlIdentifier, nullableString, stringLiteral, timestampLiteral } from '../warehouse/sql';
import { databaseOf, LAYERS, type Lake } from '../warehouse/tables';

const COLUMNS = [
  'drift_id',
  'topic_name',
  'layer',
  'change_type',
  'column_name',
  'old_value',
  'new_value',
  'source',
  'schema_version',
  'cycle_id',
  'detected_at',
] as const;

/** Rows in one INSERT. A row has some hundred bytes, so a statement stays well under Athena's 262,144. */
const ROWS_PER_STATEMENT = 100;
/** Characters of a value that are kept; a table of 500 columns lists them all in some 15,000. */
const MAX_VALUE = 20_000;

/** A row of `drift_log` that a schema gives rise to (docs/data-contracts.md, drift_log). */
export interface DriftRow {
  readonly topicName: string;
  readonly layer: 'standardized' | 'curated';
  readonly changeType: 'TABLE_CREATED' | Exclude<ChangeKind, 'ANNOTATION_CHANGED'>;
  readonly columnName: string | null;
  readonly oldValue: string | null;
  readonly newValue: string | null;
  readonly schemaVersion: number;
}

/**
 * The id of a row: the SHA-256 of the change itself, so that a row that is written again after a crash is the same.
 *
 * That a Standardized table was made is one fact, whichever schema or cycle records it. Its id is that of drift_log.py in
 * scripts/glue/lean_ops/bookkeeping; tests/conformance/drift_ids.json holds both to the same.
 */
export function driftId(row: DriftRow): string {
  const { topicName, layer, changeType, columnName, oldValue, newValue, schemaVersion } = row;
  if (layer === 'standardized' && changeType === 'TABLE_CREATED') {
    return hash('sha256', `["${topicName}", "${layer}", "${changeType}", null, null]`, 'hex');
  }
  // Earlier releases wrote a changed keyword as CONSTRAINT_CHANGED. The id stays, so that none is written a second time.
  const named = changeType === CHANGE_KINDS.keywordChanged ? CHANGE_KINDS.constraintChanged : changeType;
  const facts = [topicName, layer, named, columnName, oldValue, newValue, 'schema', schemaVersion];
  return hash('sha256', JSON.stringify(facts), 'hex');
}

/**
 * The rows for a topic's first schema: of its Curated table, which names the columns, and of its Standardized table, which is
 * left out where a cycle has recorded it.
 */
export function firstSchemaRows(schema: TopicSchema): DriftRow[] {
  const columns = schema.columns.map(({ column, athenaType }) => `${column} ${athenaType}`).join(', ');
  const curated = row(schema, 'TABLE_CREATED', null, null, columns);
  const opaque = opaqueColumns(schema).map((column) =>
    row(schema, CHANGE_KINDS.flatteningChanged, column, null, 'x-flatten false'),
  );
  return [curated, { ...curated, layer: 'standardized', newValue: null }, ...opaque];
}

/** The rows for the changes of a schema. An annotation gets none, as it changes no table; the archive keeps it. */
export function changeRows(candidate: TopicSchema, changes: readonly SchemaChange[]): DriftRow[] {
  return changes.flatMap(({ kind, path, column, before, after }) => {
    if (kind === CHANGE_KINDS.annotationChanged) return [];
    if (kind === CHANGE_KINDS.keywordChanged) {
      // The pointer of such a change is the keyword itself.
      const stated = (value: string | null) => `${path.slice(1)} ${value ?? 'none'}`;
      return [row(candidate, kind, column, stated(before), stated(after))];
    }
    return [row(candidate, kind, column, before, after)];
  });
}

function row(
  { topic, version }: TopicSchema,
  changeType: DriftRow['changeType'],
  columnName: string | null,
  oldValue: string | null,
  newValue: string | null,
): DriftRow {
  return { topicName: topic, layer: 'curated', changeType, columnName, oldValue, newValue, schemaVersion: version };
}

/** The INSERT statements that write the rows that are not in drift_log yet. Run again, they write nothing. */
export function insertDriftRows(lake: Lake, rows: readonly DriftRow[], detectedAt: Date): string[] {
  const table = `${dmlIdentifier(databaseOf(lake, LAYERS.ops))}.${dmlIdentifier('drift_log')}`;
  const columns = COLUMNS.map(dmlIdentifier).join(', ');
  const statements: string[] = [];
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const values = rows.slice(start, start + ROWS_PER_STATEMENT).map((one) => `  (${literals(one, detectedAt)})`);
    statements.push(
      [
        `INSERT INTO ${table} (${columns})`,
        `SELECT ${COLUMNS.map((column) => `candidate.${dmlIdentifier(column)}`).join(', ')}`,
        `FROM (VALUES\n${values.join(',\n')}\n) AS candidate (${columns})`,
        `WHERE NOT EXISTS (SELECT 1 FROM ${table} AS present`,
        `  WHERE present.${dmlIdentifier('drift_id')} = candidate.${dmlIdentifier('drift_id')})`,
      ].join('\n'),
    );
  }
  return statements;
}

function short(text: string | null): string | null {
  return text !== null && text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

function literals(one: DriftRow, detectedAt: Date): string {
  return [
    stringLiteral(driftId(one)),
    stringLiteral(one.topicName),
    stringLiteral(one.layer),
    stringLiteral(one.changeType),
    nullableString(one.columnName),
    nullableString(short(one.oldValue)),
    nullableString(short(one.newValue)),
    stringLiteral('schema'),
    String(one.schemaVersion),
    'CAST(NULL AS varchar)',
    timestampLiteral(detectedAt),
  ].join(', ');
}
