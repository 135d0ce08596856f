import { ENVELOPE_COLUMNS } from '../schema/columns';
import type { PartitionField, TableColumn, TableDefinition } from './ddl';
import type { TopicSchema } from '../schema/model';
import { curatedPartition } from '../schema/partition';

/** Seconds of a day. */
const DAY = 86_400;

/** The former metadata files that a table keeps. Twin: scripts/glue/lean_ops/tables/metadata_files.py. */
export const KEPT_METADATA_FILES = 20;

/**
 * Properties of all tables. Snapshots stay five days: cycle-planner counts new records along RAW's lineage, and a topic
 * that failed over a long week-end must still find where it stopped. Without write_data_path_enabled, Athena gives a
 * table a property that Iceberg refuses since 1.9, and nothing on Glue 5.1 could write to it. Each commit writes a
 * metadata file that names all snapshots, of which only the last few are ever read: VACUUM keeps as many as the jobs have
 * the table keep.
 */
const PROPERTIES = {
  table_type: 'ICEBERG',
  format: 'parquet',
  write_compression: 'zstd',
  write_data_path_enabled: 'true',
  vacuum_max_snapshot_age_seconds: String(5 * DAY),
  vacuum_min_snapshots_to_keep: '5',
  vacuum_max_metadata_files_to_keep: String(KEPT_METADATA_FILES),
} as const;

/**
 * Properties of cycle_delta. A partition is written once, read for a while and dropped, so OPTIMIZE would only copy it;
 * 49 is the greatest threshold that Athena takes.
 */
const CYCLE_DELTA_PROPERTIES = { ...PROPERTIES, optimize_rewrite_data_file_threshold: '49' } as const;

/** Buckets of a Curated table, measured in docs/decisions/0011-partitioning-of-topic-tables.md. */
const CURATED_BUCKETS = 4;

/** The envelope's columns that are times. */
const ENVELOPE_TIMES: ReadonlySet<string> = new Set(['event_time', 'produced_at', 'received_at', 'ingested_at']);

/** The names that every table definition needs. */
export interface Lake {
  /** The databases are `{databasePrefix}_raw`, `_standardized`, `_curated` and `_ops`. */
  readonly databasePrefix: string;
  readonly bucket: string;
}

export const LAYERS = { raw: 'raw', standardized: 'standardized', curated: 'curated', ops: 'ops' } as const;
export type Layer = (typeof LAYERS)[keyof typeof LAYERS];

export const RAW_TABLE = 'events';

export function databaseOf({ databasePrefix }: Lake, layer: Layer): string {
  return `${databasePrefix}_${layer}`;
}

function define(
  lake: Lake,
  layer: Layer,
  table: string,
  columns: readonly TableColumn[],
  partitionedBy: readonly PartitionField[] = [],
  properties: TableDefinition['properties'] = PROPERTIES,
): TableDefinition {
  const database = databaseOf(lake, layer);
  const location = `s3://${lake.bucket}/warehouse/${database}/${table}`;
  return { database, table, columns, partitionedBy, location, properties };
}

/** Reads columns from a text such as `a b:int c`; a column without a type is a string. */
function columns(text: string): TableColumn[] {
  return text.split(/\s+/).map((item) => {
    const [name = '', type = 'string'] = item.split(':');
    return { name, type };
  });
}

/** RAW and the tables of `_ops`, which all topics share, in the order of creation. */
export function systemTables(lake: Lake): TableDefinition[] {
  const ops = (
    table: string,
    text: string,
    partitionedBy: readonly PartitionField[] = [],
    properties: TableDefinition['properties'] = PROPERTIES,
  ) => define(lake, LAYERS.ops, table, columns(text), partitionedBy, properties);
  return [
    define(
      lake,
      LAYERS.raw,
      RAW_TABLE,
      columns(
        'topic_name message_id idempotency_key event_time:timestamp produced_at:timestamp received_at:timestamp ' +
          'ingested_at:timestamp payload source_message_id payload_sha256 trace_id envelope_issues',
      ),
      [{ transform: 'day', column: 'ingested_at' }],
    ),
    ops(
      'cycle_delta',
      'topic_name message_id idempotency_key event_time:timestamp produced_at:timestamp received_at:timestamp ' +
        'ingested_at:timestamp payload_sha256 columns:map<string,string> rescued_data cycle_id',
      [{ transform: 'identity', column: 'cycle_id' }],
      CYCLE_DELTA_PROPERTIES,
    ),
    ops(
      'drift_log',
      'drift_id topic_name layer change_type column_name old_value new_value source schema_version:int cycle_id ' +
        'detected_at:timestamp',
    ),
    ops(
      'errors',
      'error_id topic_name message_id idempotency_key disposition violations record schema_version:int cycle_id ' +
        'detected_at:timestamp resolved_at:timestamp resolution',
    ),
    ops(
      'parse_errors',
      'error_id topic_name message_id error_code error_message payload received_at:timestamp cycle_id ' +
        'detected_at:timestamp resolved_at:timestamp resolution',
    ),
    ops(
      'ledger',
      'topic_name layer cycle_id records_in:bigint duplicates:bigint superseded:bigint written:bigint ' +
        'parse_errors:bigint rejected:bigint nulled:bigint rescued:bigint new_columns:bigint started_at:timestamp ' +
        'finished_at:timestamp status error forgotten:bigint replayed:bigint noted:bigint',
    ),
    ops(
      'operations',
      'operation_id kind topic_name state requested_by reason plan counts requested_at:timestamp ended_at:timestamp ' +
        'error',
    ),
  ];
}

/** A topic's Standardized table as it is created; columns of the payload come with the events. */
export function standardizedTable(lake: Lake, tableName: string): TableDefinition {
  const names = [...ENVELOPE_COLUMNS, 'rescued_data'];
  return define(
    lake,
    LAYERS.standardized,
    tableName,
    names.map((name) => ({ name, type: 'string' })),
  );
}

/**
 * A topic's Curated table: the schema's columns, the envelope's, and the version of the schema that validated the row.
 */
export function curatedTable(lake: Lake, tableName: string, schema: TopicSchema): TableDefinition {
  const all = [
    ...schema.columns.map(({ column, athenaType }) => ({ name: column, type: athenaType })),
    ...ENVELOPE_COLUMNS.map((name) => ({ name, type: ENVELOPE_TIMES.has(name) ? 'timestamp' : 'string' })),
    { name: 'schema_version', type: 'int' },
  ];
  const renamed = schema.columns.filter(({ formerNames }) => formerNames.length > 0);
  const formerNames = new Map(renamed.map((one) => [one.column, one.formerNames.map(({ column }) => column)]));
  const definition = define(lake, LAYERS.curated, tableName, all, curatedPartitions(schema));
  return renamed.length === 0 ? definition : { ...definition, formerNames };
}

function curatedPartitions(schema: TopicSchema): PartitionField[] {
  const { transform, column } = curatedPartition(schema);
  return transform === 'day' ? [{ transform, column }] : [{ transform, column, buckets: CURATED_BUCKETS }];
}
