import { describe, expect, it } from '@jest/globals';
import { AthenaStatementError, ENVELOPE_COLUMNS } from '@lean-ops/common/core';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import type { Cloud } from '../src/pipeline/aws-clients';
import { OUTPUTS, schema, workspace } from './workspace';

const TABLE = 'acme_standardized.tank_level';
const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase();
type Answer = readonly (readonly (string | null)[])[];

interface Pipeline {
  /** The columns of each table, by `database.table`. */
  readonly tables?: Readonly<Record<string, readonly string[]>>;
  readonly answer?: Answer | ((sql: string) => Answer);
  /** How many rows have rescued_data. */
  readonly rescued?: string;
  /** Columns that are in rescued_data only. */
  readonly overflow?: readonly string[];
  readonly objects?: Readonly<Record<string, string>>;
  readonly failure?: Error;
}
const TABLES: NonNullable<Pipeline['tables']> = {
  [TABLE]: [...ENVELOPE_COLUMNS, 'device_id', 'level', 'rescued_data'],
};

/** A pipeline whose Athena gives the prepared answer to every query. `statements` holds the queries it got. */
function pipeline({
  tables = TABLES,
  answer = [],
  rescued = '0',
  overflow = [],
  objects = {},
  failure,
}: Pipeline = {}) {
  const statements: string[] = [];
  const documents = memoryDocuments({ 'acme-schema-registry': ['topic_name'] });
  const cloud: Cloud = {
    objects: memoryObjects(objects),
    documents,
    clock: fakeClock(Date.parse('2026-11-23T10:00:00Z')),
    athena: {
      execute: () => Promise.reject(new Error('plan changes nothing')),
      query: (sql) => {
        statements.push(sql);
        const ofColumns = sql.includes('overflow AS (')
          ? overflow.map((name) => [name, '1', `${overflow.length}`])
          : typeof answer === 'function'
            ? answer(sql)
            : answer;
        const rows = sql.startsWith('SELECT count(*)') ? [[rescued]] : ofColumns;
        return failure === undefined ? Promise.resolve({ columns: [], rows }) : Promise.reject(failure);
      },
    },
    catalog: {
      getTable: (database, table) => {
        const columns = tables[`${database}.${table}`];
        return Promise.resolve(
          columns && { metadataLocation: undefined, columns: columns.map((name) => ({ name, type: 'string' })) },
        );
      },
    },
  };
  const files = workspace(() => cloud);
  files.write('lean-ops.json', OUTPUTS);
  files.write('schema.json', schema('tank.level'));
  return { ...files, statements, documents };
}

/** The bits of both columns of the schema. */
const BOTH = '3';
const VALIDATED: Answer = [
  ['rows', '1000', null, '1000', BOTH],
  ['rejected', '3', '', '3', BOTH],
  ['nulled', '20', '', '20', BOTH],
  ['0', '3', `${hex('m-9')}|`, '3', BOTH],
  ['2', '20', `${hex('m-7')}|${hex('-1')},${hex('m-6')}|${hex('-\u001b[2J')}`, '20', BOTH],
];
const FIVE_ROWS: Answer = [['rows', '5', null, '5', BOTH]];

/** A pipeline in which a version of tank.level is in force. */
function governed(active: object, rest: Pipeline) {
  const objects = { 's3://acme-schemas/schemas/tank.level/active/schema.json': JSON.stringify(active) };
  return pipeline({ ...rest, objects });
}

describe('schema plan', () => {
  it('shows what the merge runs, which rows it would reject and null, and that this blocks it', async () => {
    const { run, statements } = pipeline({ answer: VALIDATED });
    const { code, output, error } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(error).toBe('');
    expect(output).toBe(
      `schema.json  (tank.level, first schema, version 1)
  The merge runs 1 statement, whole with --sql:
    CREATE TABLE \`acme_curated\`.\`tank_level\` … (${ENVELOPE_COLUMNS.length + 3} columns)
  Validated 1000 rows of ${TABLE} that came since 2026-11-16T10:00:00Z (the latest version of each record):
    3 would be rejected
    20 would stay with values that become NULL
  11:18   REJECTED 3  device_id: required
          m-9
  15:14   NULLED 20  level: minimum
          m-7 "-1"
          m-6 "-\\u001b[2J"

Blocked: 3 rows would be rejected (limit 0; --max-rejected raises it).
`,
    );
    expect(code).toBe(1);
    const since = expect.stringContaining(`"ingested_at" >= '2026-11-16T10:00:00.000000Z'`) as unknown;
    expect(statements).toEqual([since, since]);
    expect(statements[1]).not.toContain('rescued_data');
  });

  it('prints the statements whole when asked', async () => {
    const { run } = pipeline({ answer: FIVE_ROWS });
    const { output } = await run('schema', 'plan', 'tank.level', 'schema.json', '--sql');
    expect(output).toContain(
      'The merge runs 1 statement:\n    CREATE TABLE IF NOT EXISTS `acme_curated`.`tank_level` (\n      `device_id` string,\n',
    );
    expect(output).toMatch(/\n\nOK to merge\.\n$/);
  });

  it('reads what max_columns put into rescued_data, where rows have any', async () => {
    const { run, statements } = pipeline({ answer: FIVE_ROWS, rescued: '1' });
    expect((await run('schema', 'plan', 'tank.level', 'schema.json')).code).toBe(0);
    expect(statements[1]).toContain(`coalesce("level", element_at("$rescued", 'level'))`);
  });

  it.each([
    ['3', 0],
    ['2', 1],
    ['0.3%', 0],
    ['0.29%', 1],
  ])('bears up to %s rejected rows', async (limit, expected) => {
    const { run } = pipeline({ answer: VALIDATED });
    const { code } = await run('schema', 'plan', 'tank.level', 'schema.json', '--max-rejected', limit);
    expect(code).toBe(expected);
  });

  it('gives programs every number, and all rows where all are asked for', async () => {
    const { run, statements } = pipeline({ answer: VALIDATED });
    const args = ['schema', 'plan', 'tank.level', 'schema.json', '--format', 'json', '--days', 'all'];
    const { output } = await run(...args);
    expect(JSON.parse(output)).toMatchObject({
      versions: { active: null, candidate: 1 },
      refused: false,
      exceeded: true,
      strict: false,
      blocked_by: ['rejected rows'],
      warnings: [],
      max_rejected: '0',
      data: {
        status: 'validated',
        since: null,
        rows: 1000,
        rejected: 3,
        nulled: { at_least: 20, at_most: 20 },
        new: { rejected: 3, nulled: { at_least: 20, at_most: 20 } },
        today: null,
        not_compared: null,
        findings: [
          {
            field: 'device_id',
            rule: 'required',
            effect: 'rejected',
            rows: 3,
            samples: [{ message_id: 'm-9', value: null }],
          },
          { field: 'level', rule: 'minimum', effect: 'nulled', line: 15 },
        ],
      },
    });
    expect(statements[0]).not.toContain('WHERE "ingested_at"');
  });

  it('annotates a pull request', async () => {
    const { run } = pipeline({ answer: VALIDATED });
    const { output } = await run('schema', 'plan', 'tank.level', 'schema.json', '--format', 'github');
    expect(output).toContain('::error file=schema.json,line=11,col=18,title=REJECTED 3  device_id%3A required::');
    expect(output).toContain('::notice file=schema.json,line=15,col=14,title=NULLED 20  level%3A minimum::');
    expect(output).toContain('::error file=schema.json,line=1,col=1,title=tank.level%2C first schema%2C version 1::');
    const without = pipeline({
      answer: VALIDATED.map(([code = null, rows = null, , ...more]) => [code, rows, null, ...more]),
    });
    const bare = await without.run('schema', 'plan', 'tank.level', 'schema.json', '--format', 'github');
    expect(bare.output).toContain('title=REJECTED 3  device_id%3A required::/properties/device_id\n');
  });

  describe('beside the version in force', () => {
    const version2 = schema('tank.level', {
      'x-version': 2,
      properties: {
        device_id: { type: 'string', 'x-cde': true },
        level: { type: 'integer', 'x-type': 'int', minimum: 0 },
        note: { type: 'string' },
      },
    });
    const tables = { [TABLE]: [...ENVELOPE_COLUMNS, 'device_id', 'level', 'note', 'rescued_data'] };
    const ALL_THREE = '7';

    it('blocks no merge because of rows that are rejected today', async () => {
      const { run, write } = governed(schema('tank.level'), {
        tables,
        answer: [
          ['rows', '588', null, '585', ALL_THREE],
          ['rejected', '3', '', '0', ''],
          ['nulled', '18', '', '18', ''],
          ['0', '3', `${hex('m-9')}|`, '0', ''],
          ['2', '18', `${hex('m-7')}|${hex('-1')}`, '18', ''],
        ],
      });
      write('schema.json', version2);
      const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
      expect(output.slice(output.indexOf('  Validated'))).toBe(
        `  Validated 588 rows of ${TABLE} that came since 2026-11-16T10:00:00Z (the latest version of each record):
    3 would be rejected, 0 more than today
    18 would stay with values that become NULL, 0 more than today
  11:18   REJECTED 3 (0 new)  device_id: required
          m-9
  15:14   NULLED 18 (0 new)  level: minimum
          m-7 "-1"

OK to merge.
`,
      );
      expect(code).toBe(0);
    });

    it('counts the rows that pass today, and those that would pass', async () => {
      const { run, write, statements } = governed(schema('tank.level'), {
        tables,
        answer: [
          ['rows', '588', null, '583', ALL_THREE],
          ['rejected', '4', '', '1', ''],
          ['nulled', '18', '', '18', ''],
          ['nulled*', '2', '', '2', ''],
          ['today', '2', null, '0', ''],
          ['0', '4', `${hex('m-9')}|`, '1', ''],
        ],
      });
      write('schema.json', version2);
      const args = ['schema', 'plan', 'tank.level', 'schema.json'] as const;
      const { code, output } = await run(...args);
      expect(output).toContain(`
    4 would be rejected, 1 more than today
    20 would stay with values that become NULL, 2 more than today
    2 rows that are rejected today would pass
`);
      expect(output).toMatch(/\nBlocked: 1 row that passes today would be rejected \(limit 0; [^\n]+\n$/);
      expect(code).toBe(1);
      await expect(run(...args, '--max-rejected', '1')).resolves.toMatchObject({ code: 0 });
      expect(JSON.parse((await run(...args, '--format', 'json')).output)).toMatchObject({
        data: {
          rejected: 4,
          new: { rejected: 1, nulled: { at_least: 2, at_most: 2 } },
          today: { rejected: 5, rejected_that_would_pass: 2 },
          findings: [{ field: 'device_id', rows: 4, new_rows: 1 }],
        },
      });
      expect(statements[1]).toContain('AS is_rejected');
    });

    it('says so where the rows cannot be validated by both, and counts every rejected row', async () => {
      const older = schema('tank.level', {
        properties: { device_id: { type: 'string', pattern: '^(a+)+$' }, level: { type: 'integer', 'x-type': 'int' } },
      });
      const { run, write, statements } = governed(older, { tables, answer: VALIDATED });
      write('schema.json', version2);
      const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
      expect(output).toContain(
        'Not compared with version 1: it was accepted under rules that no longer hold. Every rejected row counts as new.\n',
      );
      expect(output).toContain('    3 would be rejected\n');
      expect(statements[1]).not.toContain('is_rejected');
      expect(code).toBe(1);

      const long = (from: number) => {
        const choices = Array.from({ length: 1_000 }, (_, index) => `a-choice-of-many-${index + from}`);
        const field = { type: 'string', 'x-cde': true, enum: choices };
        const fields = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, field] as const);
        return schema('tank.level', { required: [], properties: Object.fromEntries(fields) });
      };
      const both = governed(long(0), { tables: { [TABLE]: ['message_id', 'a', 'b', 'c'] }, answer: FIVE_ROWS });
      both.write('schema.json', long(1));
      expect((await both.run('schema', 'plan', 'tank.level', 'schema.json')).output).toContain(
        'Not compared with version 1: the rules of both versions are too long for one statement of Athena. Every',
      );
    });

    it('shows what breaks, and validates the rows all the same', async () => {
      const { run, statements } = governed(schema('tank.level', { properties: { device_id: { type: 'integer' } } }), {
        answer: FIVE_ROWS,
      });
      const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
      expect(output).toContain('BREAKING  TYPE_CHANGED  /properties/device_id');
      expect(output).toContain('VERSION_NOT_INCREASED');
      expect(output).toContain('The merge would be refused: no table changes, and version 1 stays in force.');
      expect(output).toContain(`Validated 5 rows of ${TABLE} that came since`);
      expect(output).toMatch(/Blocked: the merge would be refused\.\n$/);
      expect({ code, statements: statements.length }).toEqual({ code: 1, statements: 2 });
    });
  });

  describe('slips', () => {
    const slip = (properties: object) => schema('tank.level', { required: [], properties });
    const tables = { [TABLE]: [...ENVELOPE_COLUMNS, 'device_id', 'temp_c', 'meta__gps__lat', 'rescued_data'] };
    const answer: Answer = [['rows', '588', null, '588', '1']];
    const args = ['schema', 'plan', 'tank.level', 'schema.json'] as const;

    it('warns of fields that no row has, and names what the data has', async () => {
      const { run, write } = pipeline({ tables, answer });
      write(
        'schema.json',
        slip({
          device_id: { type: 'string' },
          temperatur: { type: 'number' },
          'meta.gps.lat': { type: 'number' },
          old: { type: 'string', deprecated: true },
          new: { type: 'string' },
        }),
      );
      const { code, output } = await run(...args);
      expect(output.slice(output.indexOf(': all pass.'))).toBe(`: all pass.
  1:1     NOT_IN_SCHEMA  2 columns of ${TABLE} are not in the schema: temp_c, meta__gps__lat
  12:19   NO_DATA  temperatur: in 0 of 588 rows; did you mean temp_c?
  15:21   DOT_IN_NAME  meta_gps_lat: in 0 of 588 rows; did you mean the nested meta__gps__lat? A dot does not nest: declare the objects
  22:12   NO_DATA  new: in 0 of 588 rows; its column would hold nothing but NULL

OK to merge, with 3 warnings.
`);
      expect(code).toBe(0);
      const strict = await run(...args, '--strict');
      expect(strict.output).toMatch(/\n\nBlocked: 3 warnings \(--strict\)\.\n$/);
      expect(strict.code).toBe(1);
      const github = (await run(...args, '--format', 'github')).output;
      expect(github).toContain('::warning file=schema.json,line=12,col=19,title=NO_DATA::temperatur: in 0 of 588 rows');
      expect(github).toContain('::notice file=schema.json,line=1,col=1,title=NOT_IN_SCHEMA::2 columns');
      expect(JSON.parse((await run(...args, '--format', 'json')).output)).toMatchObject({
        blocked_by: [],
        warnings: [
          { severity: 'note', code: 'NOT_IN_SCHEMA', columns: ['temp_c', 'meta__gps__lat'] },
          { severity: 'warning', code: 'NO_DATA', field: 'temperatur', suggestion: 'temp_c', line: 12 },
          { code: 'DOT_IN_NAME' },
          { code: 'NO_DATA', suggestion: null },
        ],
      });
    });

    it('only notes what the version in force has as well', async () => {
      const properties = { device_id: { type: 'string' }, temperatur: { type: 'number' } };
      const { run, write } = governed(slip(properties), { tables, answer });
      write('schema.json', slip(properties));
      const { code, output } = await run(...args, '--strict');
      expect(output).toContain('temperatur: in 0 of 588 rows, and in the active version already; did you mean temp_c?');
      expect(output).toMatch(/\nOK to merge\.\n$/);
      expect(code).toBe(0);
    });

    it('finds what max_columns put into rescued_data', async () => {
      const { run, write } = pipeline({ tables, answer, rescued: '9', overflow: ['humidity'] });
      write('schema.json', slip({ device_id: { type: 'string' }, humidty: { type: 'number' } }));
      expect((await run(...args)).output).toContain('NO_DATA  humidty: in 0 of 588 rows; did you mean humidity?');
    });

    it('says of a critical field that it costs every row, and shows no more than twenty', async () => {
      const { run, write } = pipeline({ tables: { [TABLE]: ['message_id', 'device_id'] }, answer });
      const empty = Array.from(
        { length: 23 },
        (_, index) => [`zz${index}`, { type: 'string', 'x-cde': true }] as const,
      );
      write('schema.json', slip({ device_id: { type: 'string' }, ...Object.fromEntries(empty) }));
      const { output } = await run(...args);
      expect(output).toContain('zz0: in 0 of 588 rows; as it is critical, every row is rejected\n');
      expect(output.match(/NO_DATA/g)).toHaveLength(20);
      expect(output).toContain('\n          and 3 more: --format json has all\n');
    });
  });

  it('shows a column of the table that cannot become what the schema wants', async () => {
    const { run } = pipeline({ tables: { 'acme_curated.tank_level': ['device_id', 'level'] } });
    const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(output).toContain(
      'TABLE_CONFLICT  /properties/level\n          the table in acme_curated has level as string',
    );
    expect(code).toBe(1);
  });

  it.each([
    ['there is no table yet', {}, `No rows to validate: the table ${TABLE} does not exist yet.`],
    ['no rows came', undefined, `No rows to validate: ${TABLE} has none that came since 2026-11-16T10:00:00Z.`],
  ])('says so where %s', async (_, tables, sentence) => {
    const { run } = tables === undefined ? pipeline() : pipeline({ tables });
    const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(output).toContain(sentence);
    expect(code).toBe(0);
  });

  it('shows the problems of the file as lint does, and asks nobody', async () => {
    const { run, write, statements } = pipeline();
    write('schema.json', schema('tank.level', { 'x-topic': 'other' }));
    const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(output).toContain('TOPIC_MISMATCH');
    expect({ code, statements }).toEqual({ code: 1, statements: [] });
  });

  it('tells in one line what keeps it from its work', async () => {
    const failing = pipeline({
      failure: new AthenaStatementError(
        { disposition: 'environment', code: 'ACCESS_DENIED' },
        'Access denied\n on S3',
        'q-1',
      ),
    });
    await expect(failing.run('schema', 'plan', 'tank.level', 'schema.json')).resolves.toEqual({
      code: 2,
      output: '',
      error: 'error: Athena: Access denied on S3 (query q-1)\n',
    });
    const unreached = pipeline({
      failure: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
    });
    const { code, error } = await unreached.run('schema', 'plan', 'tank.level', 'schema.json');
    expect(error).toMatch(/^error: AWS was not reached for athena:StartQueryExecution[^\n]*\n$/);
    expect(code).toBe(2);
    const foreign = pipeline();
    await foreign.documents.put('acme-schema-registry', { topic_name: 'table#tank_level', owner: 'tank-level' });
    const refused = await foreign.run('schema', 'plan', 'tank.level', 'schema.json');
    expect(refused).toMatchObject({ code: 2, error: expect.stringContaining('belongs to the topic tank-level') });
    await expect(pipeline().run('schema', 'plan', 'Tank', 'schema.json')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('is not a topic name'),
    });
    await expect(
      pipeline().run('schema', 'plan', 'tank.level', 'schema.json', '--max-rejected', '101%'),
    ).resolves.toMatchObject({ code: 2 });
  });
});

describe('schema infer', () => {
  const ANSWER: Answer = [
    ['rows', '', '10', '1'],
    ['0', 'text', '10', '4'],
    ['1', 'int', '8', '5'],
  ];

  it('prints a draft that lint passes, and its notes beside it', async () => {
    const { run, write } = pipeline({ answer: ANSWER });
    const { code, output, error } = await run('schema', 'infer', 'tank.level');
    expect(JSON.parse(output)).toMatchObject({
      'x-topic': 'tank.level',
      'x-version': 1,
      required: ['device_id'],
      properties: { device_id: { type: 'string', 'x-cde': true }, level: { type: 'integer', 'x-type': 'int' } },
    });
    expect(error).toMatch(/^note: drafted from 10 rows of acme_standardized\.tank_level, [^\n]*\n(?:note: [^\n]+\n)+$/);
    expect(code).toBe(0);
    write('schemas/tank.level/schema.json', output);
    await expect(run('schema', 'lint')).resolves.toMatchObject({ code: 0 });
  });

  it('prints the draft, its notes and its problems as JSON', async () => {
    const { run } = pipeline({ answer: ANSWER });
    const { code, output, error } = await run('schema', 'infer', 'tank.level', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      topic: 'tank.level',
      file: null,
      schema: { 'x-topic': 'tank.level', required: ['device_id'] },
      notes: expect.arrayContaining([expect.stringMatching(/^drafted from 10 rows/)]),
      problems: [],
    });
    expect({ code, error }).toEqual({ code: 0, error: '' });
  });

  it('says which values keep a column from being numbers', async () => {
    const answer = (sql: string): Answer =>
      sql.includes('ranked AS')
        ? [
            ['0|text|n/a', '2'],
            ['0|text|-', '1'],
          ]
        : [
            ['rows', '', '10', '1'],
            ['0', 'text', '3', '2'],
            ['0', 'int', '7', '5'],
          ];
    const { run } = pipeline({ answer });
    const { error } = await run('schema', 'infer', 'tank.level');
    expect(error).toContain(
      'note: device_id is text: 7 of 10 values are whole numbers; the others: "n/a" (2 times), "-". With "type": "integer" the others become NULL\n',
    );
  });

  it('counts on from the active version, and writes over no file', async () => {
    const objects = {
      's3://acme-schemas/schemas/tank.level/active/schema.json': JSON.stringify(
        schema('tank.level', { 'x-version': 4 }),
      ),
    };
    const { run } = pipeline({ answer: ANSWER, objects });
    const { output } = await run('schema', 'infer', 'tank.level', '--days', '2');
    expect(JSON.parse(output)).toMatchObject({ 'x-version': 5 });
    await expect(run('schema', 'infer', 'tank.level', '--out', 'schema.json')).resolves.toMatchObject({
      code: 2,
      output: '',
      error: 'error: schema.json exists already, and is not overwritten.\n',
    });
  });

  it.each([
    ['of a topic that nobody knows', pipeline({ tables: {} }), 'does not exist. Is it spelled right?'],
    ['of no rows', pipeline(), 'has no rows: nothing to infer from'],
    ['of rows without values', pipeline({ answer: [['rows', '', '3', '1']] }), 'no column of'],
  ])('makes no draft %s', async (_, { run }, message) => {
    await expect(run('schema', 'infer', 'tank.level')).resolves.toMatchObject({
      code: 2,
      output: '',
      error: expect.stringContaining(message),
    });
  });
});
