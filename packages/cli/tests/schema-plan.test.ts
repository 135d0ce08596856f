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
  readonly answer?: Answer;
  /** How many rows have rescued_data. */
  readonly rescued?: string;
  readonly objects?: Readonly<Record<string, string>>;
  readonly failure?: Error;
}
const TABLES: NonNullable<Pipeline['tables']> = {
  [TABLE]: [...ENVELOPE_COLUMNS, 'device_id', 'level', 'rescued_data'],
};

/** A pipeline whose Athena gives the prepared answer to every query. `statements` holds the queries it got. */
function pipeline({ tables = TABLES, answer = [], rescued = '0', objects = {}, failure }: Pipeline = {}) {
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
        const rows = sql.startsWith('SELECT count(*)') ? [[rescued]] : answer;
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

const VALIDATED: Answer = [
  ['rows', '1000', null],
  ['rejected', '3', ''],
  ['nulled', '20', ''],
  ['0', '3', `${hex('m-9')}|`],
  ['2', '20', `${hex('m-7')}|${hex('-1')},${hex('m-6')}|${hex('-\u001b[2J')}`],
];

describe('schema plan', () => {
  it('shows what the merge runs, which rows it would reject and null, and that it is not fit', async () => {
    const { run, statements } = pipeline({ answer: VALIDATED });
    const { code, output, error } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(error).toBe('');
    expect(output).toBe(
      `schema.json  (tank.level, first schema, version 1)
  The merge runs 1 statement, whole with --sql:
    CREATE TABLE \`acme_curated\`.\`tank_level\` … (${ENVELOPE_COLUMNS.length + 3} columns)
  Judged 1000 rows of ${TABLE} that came since 2026-11-16T10:00:00Z, the latest version of each record: 3 would be rejected, 20 would stay with values that become NULL.
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
    const { run } = pipeline({ answer: [['rows', '5', null]] });
    const { output } = await run('schema', 'plan', 'tank.level', 'schema.json', '--sql');
    expect(output).toContain(
      'The merge runs 1 statement:\n    CREATE TABLE IF NOT EXISTS `acme_curated`.`tank_level` (\n      `device_id` string,\n',
    );
    expect(output).toMatch(/\n\nOK to merge\.\n$/);
  });

  it('reads what max_columns put into rescued_data, where rows have any', async () => {
    const { run, statements } = pipeline({ answer: [['rows', '5', null]], rescued: '1' });
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
      max_rejected: '0',
      data: {
        status: 'judged',
        since: null,
        rows: 1000,
        rejected: 3,
        nulled: { at_least: 20, at_most: 20 },
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
  });

  it('shows what breaks against the active schema, and judges the rows all the same', async () => {
    const active = JSON.stringify(schema('tank.level', { properties: { device_id: { type: 'integer' } } }));
    const { run, statements } = pipeline({
      answer: [['rows', '5', null]],
      objects: { 's3://acme-schemas/schemas/tank.level/active/schema.json': active },
    });
    const { code, output } = await run('schema', 'plan', 'tank.level', 'schema.json');
    expect(output).toContain('BREAKING  TYPE_CHANGED  /properties/device_id');
    expect(output).toContain('VERSION_NOT_INCREASED');
    expect(output).toContain('The merge would be refused: no table changes, and version 1 stays in force.');
    expect(output).toContain('Judged 5 rows');
    expect(output).toMatch(/Blocked: the merge would be refused\.\n$/);
    expect({ code, statements: statements.length }).toEqual({ code: 1, statements: 2 });
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
    ['there is no table yet', {}, `No rows to judge: the table ${TABLE} is not there yet.`],
    ['no rows came', undefined, `No rows to judge: ${TABLE} has none that came since 2026-11-16T10:00:00Z.`],
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
    expect(error).toMatch(
      /^note: Inferred from 10 rows of acme_standardized\.tank_level, [^\n]*\n(?:note: [^\n]+\n)+$/,
    );
    expect(code).toBe(0);
    write('schemas/tank.level/schema.json', output);
    await expect(run('schema', 'lint')).resolves.toMatchObject({ code: 0 });
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
      error: expect.stringContaining('schema.json cannot be written'),
    });
  });

  it.each([
    ['of a topic that nobody knows', pipeline({ tables: {} }), 'is not there. Is it spelled right?'],
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
