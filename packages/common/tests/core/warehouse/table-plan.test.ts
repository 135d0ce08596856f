import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTable, UnknownTypeError, type TableColumn, type TableDefinition } from '../../../src/core/warehouse/ddl';
import type { JsonObject } from '../../../src/core/json/value';
import { UnsafeIdentifierError } from '../../../src/core/warehouse/sql';
import { planTable, type TableStep } from '../../../src/core/warehouse/table-plan';
import { curatedTable, standardizedTable, systemTables } from '../../../src/core/warehouse/tables';
import { modelOf, topicSchema, withField } from '../../../src/testing';
import { compatiblePairs, looserThan, topicSchemas } from '../schema/arbitraries';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' };

const apply = (
  existing: readonly TableColumn[] | undefined,
  definition: TableDefinition,
  steps: readonly TableStep[],
) =>
  steps.reduce<readonly TableColumn[] | undefined>((columns, step) => {
    if (step.kind === 'create') return definition.columns;
    if (step.kind === 'add') return [...(columns ?? []), ...step.columns];
    if (step.kind === 'rename')
      return columns?.map((column) => (column.name === step.from.name ? step.column : column));
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
  'write_data_path_enabled' = 'true',
  'vacuum_max_snapshot_age_seconds' = '432000',
  'vacuum_min_snapshots_to_keep' = '5',
  'vacuum_max_metadata_files_to_keep' = '20'
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
      'lean_ops_ops.operations',
    ]);
  });

  it('give Standardized the envelope and rescued_data, all text', () => {
    const { columns } = standardizedTable(LAKE, 'telemetry_climate');
    expect(columns.map(({ name }) => name).join(' ')).toBe(
      'message_id idempotency_key event_time produced_at received_at ingested_at cycle_id rescued_data',
    );
    expect(new Set(columns.map(({ type }) => type))).toEqual(new Set(['string']));
  });

  it.each<[string, JsonObject, string]>([
    ['by the day of the event time that is declared', { 'x-event-time': 'measured_at' }, 'day(`measured_at`)'],
    [
      'by the declared event time, when it is promised to be stable too',
      { 'x-event-time': 'measured_at', 'x-event-time-stable': true },
      'day(`measured_at`)',
    ],
    ['by a hash of the key, where no event time is for good', {}, 'bucket(4, `idempotency_key`)'],
    [
      "by the day of the envelope's event time, when it is stable",
      { 'x-event-time-stable': true },
      'day(`event_time`)',
    ],
  ])('partition Curated %s', (_name, words, clause) => {
    const definition = curatedTable(LAKE, 't', modelOf(topicSchema(words)));
    expect(createTable(definition)).toContain(`)\nPARTITIONED BY (${clause})\nLOCATION`);
  });

  it("partition by a nested field and by one that has the name of the envelope's", () => {
    const time = { type: 'string', format: 'date', 'x-cde': true };
    const nested = withField('meta', { type: 'object', properties: { time } });
    const partitionOf = (schema: JsonObject) =>
      curatedTable(LAKE, 't', modelOf(schema)).partitionedBy.map(({ column }) => column);
    expect(partitionOf({ ...nested, 'x-event-time': 'meta.time' })).toEqual(['meta__time']);
    expect(partitionOf({ ...withField('event_time', time), 'x-event-time': 'event_time' })).toEqual([
      'payload__event_time',
    ]);
    expect(partitionOf({ ...withField('meta.time', time), 'x-event-time': 'meta\\.time' })).toEqual(['meta_time']);
  });

  it('partition by a column that they have, in a type that the transform takes', () => {
    fc.assert(
      fc.property(topicSchemas, (schema) => {
        const { columns, partitionedBy } = curatedTable(LAKE, 't', schema);
        for (const { transform, column } of partitionedBy) {
          const type = columns.find(({ name }) => name === column)?.type;
          expect(['timestamp', 'date']).toContain(transform === 'day' ? type : 'date');
          expect(type).toBeDefined();
        }
      }),
    );
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

  describe('of a column with a former name', () => {
    const renamed = (type: string): TableDefinition => ({
      ...definition([{ name: 'temp_c', type }]),
      formerNames: new Map([['temp_c', ['temp', 'temperature']]]),
    });

    it.each([
      ['int', 'int', 'int'],
      ['int', 'bigint', 'bigint'],
      ['bigint', 'int', 'bigint'],
    ])('that is %s and is to be %s makes %s of the same column', (there, wanted, becomes) => {
      const { steps, conflicts } = planTable([{ name: 'temperature', type: there }], renamed(wanted));
      expect(conflicts).toEqual([]);
      expect(steps.map(({ sql }) => sql)).toEqual([
        `ALTER TABLE \`lean_ops_standardized\`.\`t\` CHANGE COLUMN \`temperature\` \`temp_c\` ${becomes}`,
      ]);
    });

    it('tells of a type that the values cannot get', () => {
      const { steps, conflicts } = planTable([{ name: 'temperature', type: 'string' }], renamed('date'));
      expect(steps).toEqual([]);
      expect(conflicts).toEqual([{ column: 'temperature', tableType: 'string', wantedType: 'date' }]);
    });

    it('adds it where the table has neither, and leaves a table that has both', () => {
      expect(planTable([{ name: 'a', type: 'int' }], renamed('int')).steps.map(({ kind }) => kind)).toEqual(['add']);
      const both = ['temp', 'temp_c'].map((name) => ({ name, type: 'int' }));
      expect(planTable(both, renamed('int'))).toEqual({ steps: [], conflicts: [] });
    });
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

  it('comes to one table, whether compatible versions are merged one by one or skipped', () => {
    const triples = compatiblePairs.chain(([a, b]) => looserThan(b).map((c) => [a, b, c] as const));
    fc.assert(
      fc.property(triples, ([a, b, c]) => {
        const [first, second, third] = [a, b, c].map((schema) => curatedTable(LAKE, 't', schema));
        const byStep = (table: readonly TableColumn[] | undefined, wanted: TableDefinition) =>
          apply(table, wanted, planTable(table, wanted).steps);
        const inTurn = byStep(byStep(byStep(undefined, first!), second!), third!);
        const direct = byStep(first!.columns, third!);
        const sorted = (columns: readonly TableColumn[] = []) =>
          [...columns].sort((x, y) => (x.name < y.name ? -1 : 1));
        expect(sorted(inTurn)).toEqual(sorted(direct));
        expect(planTable(inTurn, third!)).toEqual({ steps: [], conflicts: [] });
      }),
    );
  });

  it('looks at columns only: a table that is partitioned another way stays so', () => {
    const declared = curatedTable(LAKE, 't', modelOf(topicSchema({ 'x-event-time': 'measured_at' })));
    const before = curatedTable(LAKE, 't', modelOf(topicSchema()));
    expect(planTable(before.columns, declared)).toEqual({ steps: [], conflicts: [] });
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
