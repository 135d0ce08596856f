import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UnknownTypeError, type TableColumn, type TableDefinition } from '../../src/core/ddl';
import { UnsafeIdentifierError } from '../../src/core/sql';
import { planTable, type TableStep } from '../../src/core/table-plan';
import { curatedTable, standardizedTable, systemTables } from '../../src/core/tables';
import { compatiblePairs, topicSchemas } from './schema-arbitraries';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' };

const apply = (
  existing: readonly TableColumn[] | undefined,
  definition: TableDefinition,
  steps: readonly TableStep[],
) =>
  steps.reduce<readonly TableColumn[] | undefined>((columns, step) => {
    if (step.kind === 'create') return definition.columns;
    if (step.kind === 'add') return [...(columns ?? []), ...step.columns];
    return columns?.map((column) => (column.name === step.column.name ? step.column : column));
  }, existing);

describe('the definitions', () => {
  it('make RAW as the contract says', () => {
    const [raw] = systemTables(LAKE);
    expect(planTable(undefined, raw!).steps[0]?.sql).toBe(`CREATE TABLE IF NOT EXISTS \`lean_ops_raw\`.\`events\` (
  \`topic_name\` string,
  \`message_id\` string,
  \`idempotency_key\` string,
  \`event_time\` timestamp,
  \`produced_at\` timestamp,
  \`received_at\` timestamp,
  \`ingested_at\` timestamp,
  \`payload\` string,
  \`source_message_id\` string,
  \`payload_sha256\` string,
  \`trace_id\` string,
  \`envelope_issues\` string
)
PARTITIONED BY (day(\`ingested_at\`))
LOCATION 's3://lean-ops-lake/warehouse/lean_ops_raw/events/'
TBLPROPERTIES (
  'table_type' = 'ICEBERG',
  'format' = 'parquet',
  'write_compression' = 'zstd',
  'vacuum_max_snapshot_age_seconds' = '432000',
  'vacuum_min_snapshots_to_keep' = '5',
  'vacuum_max_metadata_files_to_keep' = '100'
)`);
  });

  it('name every system table once', () => {
    expect(systemTables(LAKE).map(({ database, table }) => `${database}.${table}`)).toEqual([
      'lean_ops_raw.events',
      'lean_ops_ops.cycle_delta',
      'lean_ops_ops.drift_log',
      'lean_ops_ops.errors',
      'lean_ops_ops.parse_errors',
      'lean_ops_ops.ledger',
    ]);
  });

  it('give Standardized the envelope and rescued_data, all text', () => {
    const { columns } = standardizedTable(LAKE, 'telemetry_climate');
    expect(columns.map(({ name }) => name).join(' ')).toBe(
      'message_id idempotency_key event_time produced_at received_at ingested_at cycle_id rescued_data',
    );
    expect(new Set(columns.map(({ type }) => type))).toEqual(new Set(['string']));
  });

  it('let no unchecked name or type into DDL', () => {
    const definition = standardizedTable(LAKE, 'telemetry.climate');
    expect(() => planTable(undefined, definition)).toThrow(UnsafeIdentifierError);
    const typed = { ...standardizedTable(LAKE, 't'), columns: [{ name: 'a', type: 'int) --' }] };
    expect(() => planTable(undefined, typed)).toThrow(UnknownTypeError);
  });
});

describe('planTable', () => {
  const definition = (columns: readonly TableColumn[]): TableDefinition => ({
    ...standardizedTable(LAKE, 't'),
    columns,
  });

  it('adds what is missing in one statement, and promotes what became wider', () => {
    const plan = planTable(
      [{ name: 'a', type: 'int' }],
      definition([
        { name: 'a', type: 'bigint' },
        { name: 'b', type: 'string' },
        { name: 'c', type: 'decimal(10,2)' },
      ]),
    );
    expect(plan.steps.map(({ sql }) => sql)).toEqual([
      'ALTER TABLE `lean_ops_standardized`.`t` ADD COLUMNS (`b` string, `c` decimal(10,2))',
      'ALTER TABLE `lean_ops_standardized`.`t` CHANGE COLUMN `a` `a` bigint',
    ]);
  });

  it('leaves a column that is wider already, and one that nobody asked for', () => {
    const existing = [
      { name: 'a', type: 'bigint' },
      { name: 'old', type: 'date' },
    ];
    expect(planTable(existing, definition([{ name: 'a', type: 'int' }]))).toEqual({ steps: [], conflicts: [] });
  });

  it('tells of a column that cannot be changed', () => {
    const { conflicts } = planTable([{ name: 'a', type: 'string' }], definition([{ name: 'a', type: 'date' }]));
    expect(conflicts).toEqual([{ column: 'a', tableType: 'string', wantedType: 'date' }]);
  });

  it('has nothing left to do once it was carried out, wholly or in part', () => {
    fc.assert(
      fc.property(
        fc.oneof(compatiblePairs, fc.tuple(topicSchemas, topicSchemas)),
        fc.nat(5),
        ([before, after], died) => {
          const existing = curatedTable(LAKE, 't', before).columns;
          const wanted = curatedTable(LAKE, 't', after);
          const plan = planTable(existing, wanted);
          fc.pre(plan.conflicts.length === 0);
          const half = apply(existing, wanted, plan.steps.slice(0, died));
          const whole = apply(half, wanted, planTable(half, wanted).steps);
          expect(planTable(whole, wanted)).toEqual({ steps: [], conflicts: [] });
        },
      ),
    );
  });

  it('never conflicts over a compatible change', () => {
    fc.assert(
      fc.property(compatiblePairs, ([before, after]) => {
        const existing = curatedTable(LAKE, 't', before).columns;
        expect(planTable(existing, curatedTable(LAKE, 't', after)).conflicts).toEqual([]);
      }),
    );
  });
});
