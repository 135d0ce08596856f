import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ENVELOPE_COLUMNS } from '@lean-ops/common/core';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import { OUTPUTS, schema, workspace } from './workspace';

const FOREIGN = {
  type: 'object',
  required: ['Device ID', '--'],
  properties: {
    'Device ID': { type: 'string', maxLenght: 9 },
    '--': { type: 'string' },
    level: { type: 'number' },
  },
};

describe('schema adopt', () => {
  it('prints the topic schema of a file, and reports all changes beside it', async () => {
    const { write, run } = workspace();
    write('their/Tank Level.schema.json', FOREIGN);
    const { code, output, error } = await run('schema', 'adopt', 'their/Tank Level.schema.json');
    expect(JSON.parse(output)).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      'x-topic': 'tank-level',
      'x-version': 1,
      type: 'object',
      required: ['Device ID'],
      properties: { 'Device ID': { type: 'string', maxLength: 9 }, level: { type: 'number' } },
    });
    expect(error).toBe(`their/Tank Level.schema.json: adopted as tank-level: 2 columns
  header: 3
    /$schema  "$schema" is "https://json-schema.org/draft/2020-12/schema"
    /x-topic  "x-topic" is "tank-level"
    /x-version  "x-version" is 1
  corrected: 1
    /properties/Device ID/maxLenght  "maxLenght" is written "maxLength"
  left out: 1
    /properties/--  the name "--" has neither letters nor digits, so its column would be underscores only
  names changed: 1
    Device ID → device_id

1 schema: 1 adopted.
`);
    expect(code).toBe(0);
  });

  it('writes a folder of schemas as topics, each with a name of its own, and leaves what is none', async () => {
    const { root, write, run } = workspace();
    write('their/a.json', FOREIGN);
    write('their/old/A.json', FOREIGN);
    write('their/list.json', [1]);
    const { code, output, error } = await run('schema', 'adopt', 'their', '--out', 'schemas');
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(error).toContain('their/list.json: not adopted');
    expect(error).toContain('3 schemas: 2 adopted.');
    for (const topic of ['a', 'a-2']) {
      const text = readFileSync(path.join(root, `schemas/${topic}/schema.json`), 'utf8');
      expect(JSON.parse(text)).toMatchObject({ 'x-topic': topic });
    }
    expect(existsSync(path.join(root, 'schemas/list'))).toBe(false);
    await expect(run('schema', 'lint')).resolves.toMatchObject({ code: 0 });
    await expect(run('schema', 'adopt', 'their/a.json', '--out', 'schemas/a/schema.json')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('exists already'),
    });
  });

  it('says all of it to programs, with what schema plan says of the rows', async () => {
    const { write, run } = workspace(() => ({
      objects: memoryObjects(),
      documents: memoryDocuments({ 'acme-schema-registry': ['topic_name'] }),
      clock: fakeClock(Date.parse('2026-11-23T10:00:00Z')),
      athena: {
        execute: () => Promise.reject(new Error('plan changes nothing')),
        query: (sql) =>
          Promise.resolve({
            columns: [],
            rows: sql.startsWith('SELECT count(*)') ? [['0']] : [['rows', '5', null, '5', '3']],
          }),
      },
      catalog: {
        getTable: (database) =>
          Promise.resolve(
            database === 'acme_standardized'
              ? {
                  metadataLocation: undefined,
                  columns: [...ENVELOPE_COLUMNS, 'device_id', 'level', 'rescued_data'].map((name) => ({
                    name,
                    type: 'string',
                  })),
                }
              : undefined,
          ),
      },
    }));
    write('lean-ops.json', OUTPUTS);
    write('their.json', schema('none', { 'x-topic': undefined }));
    const args = [
      '--topic',
      'tank.level',
      '--out',
      'new/schema.json',
      '--outputs',
      'lean-ops.json',
      '--format',
      'json',
    ];
    const { code, output } = await run('schema', 'adopt', 'their.json', ...args);
    expect(JSON.parse(output)).toMatchObject({
      files: [
        { file: 'their.json', topic: 'tank.level', out: 'new/schema.json', adopted: true, columns: 2, problems: [] },
      ],
      plan: { topic: 'tank.level', blocked_by: [], data: { status: 'validated', rows: 5 } },
    });
    expect(code).toBe(0);
  });

  it.each([
    [['none.json'], 'none.json does not exist'],
    [['.', '--topic', 'a'], '--topic is for a single file.'],
    [['a.json', '--topic', 'A'], 'is not a topic name'],
    [['a.json', '--outputs', 'lean-ops.json'], '--outputs plans the file that --out names.'],
  ])('ends %j with 2 and a reason', async (args, reason) => {
    const { write, run } = workspace();
    write('a.json', FOREIGN);
    const { code, error } = await run('schema', 'adopt', ...args);
    expect(code).toBe(2);
    expect(error).toContain(reason);
  });
});
