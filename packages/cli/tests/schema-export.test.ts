/** What `schema export` writes. tests/local/exports holds the files of dbt and of ODCS to the standards' own schemas. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import { parse } from 'yaml';
import { OUTPUTS, schema, workspace } from './workspace';

const VECTORS = path.join(__dirname, '../../../tests/conformance/exports');
const vector = (file: string): string => readFileSync(path.join(VECTORS, file), 'utf8');

describe('schema export', () => {
  it.each([
    ['json-schema', 'parcel.schema.json'],
    ['dbt', 'parcel.dbt.yml'],
    ['odcs', 'parcel.odcs.yml'],
    ['avro', 'parcel.avsc'],
    ['ts', 'parcel.types.txt'],
  ])('writes %s as tests/conformance/exports/%s has it', async (format, file) => {
    const { write, run } = workspace();
    write('parcel.json', vector('parcel.json'));
    const { code, output, error } = await run('schema', 'export', 'parcel.json', '--format', format);
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(output).toBe(vector(file));
  });

  it('finds the file of a topic, names the databases as told, and writes to a file that is not there yet', async () => {
    const { root, write, run } = workspace();
    write('schemas/a.b/schema.json', schema('a.b'));
    const args = ['schema', 'export', 'a.b', '--format', 'dbt', '--database-prefix', 'acme', '--out', 'models/a.yml'];
    await expect(run(...args)).resolves.toEqual({ code: 0, output: '', error: '' });
    expect(parse(readFileSync(path.join(root, 'models/a.yml'), 'utf8'))).toMatchObject({
      sources: [{ name: 'acme_curated', tables: [{ name: 'a_b' }] }],
    });
    await expect(run(...args)).resolves.toMatchObject({ code: 2, error: expect.stringContaining('exists already') });
  });

  it('exports what is in force in a pipeline, with its databases', async () => {
    const unused = () => Promise.reject(new Error('an export reads one object'));
    const { write, run } = workspace(() => ({
      objects: memoryObjects({ 's3://acme-schemas/schemas/a.b/active/schema.json': JSON.stringify(schema('a.b')) }),
      documents: memoryDocuments({}),
      clock: fakeClock(0),
      athena: { execute: unused, query: unused },
      catalog: { getTable: unused },
    }));
    write('lean-ops.json', OUTPUTS);
    const { code, output } = await run('schema', 'export', 'a.b', '--active', '--format', 'odcs');
    expect(code).toBe(0);
    expect(parse(output)).toMatchObject({ id: 'a.b', schema: [{ physicalName: 'acme_curated.a_b' }] });
    await expect(run('schema', 'export', 'c', '--active', '--format', 'ts')).resolves.toEqual({
      code: 2,
      output: '',
      error: 'error: c has no active schema.\n',
    });
  });

  it('exports nothing of a schema with problems', async () => {
    const { write, run } = workspace();
    write('schemas/a/schema.json', schema('b'));
    const { code, output, error } = await run('schema', 'export', 'a', '--format', 'avro');
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(error).toContain('TOPIC_MISMATCH');
  });

  it.each([
    [['none', '--format', 'ts'], 'none is neither a file nor a topic with a file schemas/none/schema.json.'],
    [['a'], "required option '--format <format>' not specified"],
    [['a', '--format', 'xml'], '--format must be one of json-schema, dbt, odcs, avro, ts.'],
  ])('ends %j with 2 and a reason', async (args, reason) => {
    const { code, error } = await workspace().run('schema', 'export', ...args);
    expect(code).toBe(2);
    expect(error).toContain(reason);
  });
});
