import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { toCurrentDialect, type JsonObject } from '@lean-ops/common/core';
import { locationOf } from '../src/schemas/schema-files';
import { readWholeSchema } from '../src/schemas/whole-schema';
import { workspace } from './workspace';

const TOPIC = 'schemas/tank.level/schema.json';
const DRAFT_04 = 'http://json-schema.org/draft-04/schema#';

/** A repository of the given files, and a function that reads the topic's schema as a whole. */
function repository(files: Readonly<Record<string, object | string>>) {
  const made = workspace();
  mkdirSync(path.join(made.root, '.git'));
  for (const [file, content] of Object.entries(files)) made.write(file, content);
  return { ...made, read: (file = TOPIC) => readWholeSchema(locationOf(path.join(made.root, file), made.root)) };
}

const topic = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
const codesOf = async (files: Readonly<Record<string, object | string>>) => {
  const { problems } = await repository(files).read();
  return problems.map(({ code, path: pointer }) => `${code} ${pointer}`);
};
/** What a bundle says of values, translated as the validator does. */
const judge = (text = '') => {
  const { document } = toCurrentDialect(JSON.parse(text) as JsonObject);
  const validate = new Ajv2020({ strict: false }).compile(document as object);
  return (value: unknown) => validate(value);
};

describe('a schema file with references to other files', () => {
  it('is its own bytes where it has none', async () => {
    const text = '{ "x-topic":"tank.level",\n\n "properties": { "a": { "$ref": "#/$defs/a" } }, "$defs": {"a": {}} }\n';
    await expect(repository({ [TOPIC]: text }).read()).resolves.toMatchObject({ text, problems: [] });
  });

  it('holds the files, each read by its own dialect, and judges as they do', async () => {
    const { text, problems } = await repository({
      [TOPIC]: topic({ t: { $ref: '../common/units.json#/definitions/celsius' }, id: { $ref: '../common/id.json' } }),
      'schemas/common/units.json': {
        $schema: DRAFT_04,
        definitions: {
          celsius: { allOf: [{ $ref: '#/definitions/number' }, { $ref: 'deep/limits.json#/low' }] },
          number: { type: 'number' },
        },
      },
      'schemas/common/deep/limits.json': { $schema: DRAFT_04, low: { minimum: -273, exclusiveMinimum: true } },
      'schemas/common/id.json': { type: 'string', pattern: '^[a-z]+$' },
    }).read();
    expect(problems).toEqual([]);
    const verdict = judge(text);
    expect([{ t: 20, id: 'a' }, { t: -273 }, { t: 'x' }, { id: '1' }].map(verdict)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const { $defs } = JSON.parse(text ?? '') as { $defs: object };
    expect(Object.keys($defs).sort()).toEqual([
      'schemas/common/deep/limits.json',
      'schemas/common/id.json',
      'schemas/common/units.json',
    ]);
  });

  it('keeps the digits of numbers, and the definitions that are there', async () => {
    const number = '0.1000000000000000000000000001';
    const { text } = await repository({
      [TOPIC]: `{"properties": {"a": {"$ref": "../common/a.json", "maximum": ${number}}}, "$defs": {"b": {}}}`,
      'schemas/common/a.json': `{"minimum": -${number}}`,
    }).read();
    expect(text?.split(number)).toHaveLength(3);
    expect(Object.keys((JSON.parse(text ?? '') as { $defs: object }).$defs)).toContain('b');
  });

  it('may be referred to by the files that it refers to', async () => {
    const { text, problems } = await repository({
      [TOPIC]: topic({ child: { $ref: '../common/node.json' } }, { required: ['child'] }),
      'schemas/common/node.json': {
        properties: { leaf: { type: 'string' }, tank: { $ref: '../tank.level/schema.json' } },
      },
    }).read();
    expect(problems).toEqual([]);
    const verdict = judge(text);
    expect([{ child: {} }, { child: { tank: {} } }, { child: { tank: { child: {} } } }].map(verdict)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('finds a file by the URL that it has as its $id, and by one relative to that', async () => {
    const { text, problems } = await repository({
      [TOPIC]: topic({ a: { $ref: 'https://example.com/a.json#/$defs/n' }, b: { $ref: 'https://example.com/b.json' } }),
      'schemas/common/one.json': { $id: 'https://example.com/a.json', $defs: { n: { $ref: 'c.json' } } },
      'schemas/common/two.json': { $id: 'https://example.com/c.json', type: 'number' },
    }).read();
    expect(problems).toEqual([]);
    expect(text).toContain('"$ref": "https://example.com/b.json"');
    expect(Object.keys((JSON.parse(text ?? '') as { $defs: object }).$defs)).toHaveLength(2);
  });

  it('says which reference leads to no file, out of the repository, or to two', async () => {
    const at = (ref: string) => ({ [TOPIC]: topic({ a: { $ref: ref } }) });
    await expect(codesOf(at('../common/none.json'))).resolves.toEqual(['REF_FILE_MISSING /properties/a/$ref']);
    await expect(codesOf(at('../../../etc/passwd'))).resolves.toEqual(['REF_FILE_OUTSIDE /properties/a/$ref']);
    await expect(codesOf(at('/etc/passwd'))).resolves.toEqual(['REF_FILE_OUTSIDE /properties/a/$ref']);
    await expect(codesOf({ ...at('../common/a.json'), 'schemas/common/a.json': '[]' })).resolves.toEqual([
      'REF_FILE_INVALID /properties/a/$ref',
    ]);
    const twice = { $id: 'https://example.com/a' };
    await expect(
      codesOf({ ...at('https://example.com/a'), 'schemas/common/a.json': twice, 'schemas/common/b.json': twice }),
    ).resolves.toEqual(['REF_AMBIGUOUS /properties/a/$ref']);
    await expect(
      codesOf({ ...at('../common/a.json'), 'schemas/common/a.json': { $ref: 'none.json' } }),
    ).resolves.toEqual(['REF_FILE_MISSING /properties/a/$ref']);
  });

  it('follows no link out of the repository', async () => {
    const outside = workspace();
    outside.write('secret.json', {});
    const { root, read } = repository({ [TOPIC]: topic({ a: { $ref: 'link.json' } }) });
    symlinkSync(path.join(outside.root, 'secret.json'), path.join(root, 'schemas/tank.level/link.json'));
    await expect(read()).resolves.toMatchObject({ problems: [{ code: 'REF_FILE_MISSING' }] });
  });

  it('has the place of the reference for what is wrong in another file', async () => {
    const { read } = repository({
      [TOPIC]: topic({ a: {}, b: { $ref: '../common/a.json' } }),
      'schemas/common/a.json': { type: 'nothing' },
    });
    const { locate } = await read();
    expect(locate('/$defs/schemas~1common~1a.json/type')).toEqual(locate('/properties/b/$ref'));
    expect(locate('/properties/b/$ref')).toEqual({ line: 6, column: 15 });
  });

  it('is bundled outside a repository, too, with the folder of the topics as its border', async () => {
    const { root, write } = workspace();
    write(
      'repo/schemas/tank.level/schema.json',
      topic({ a: { $ref: '../common/a.json' }, b: { $ref: '../../b.json' } }),
    );
    write('repo/schemas/common/a.json', {});
    write('repo/b.json', {});
    const { problems } = await readWholeSchema(locationOf(path.join(root, 'repo', TOPIC), root));
    expect(problems).toMatchObject([{ code: 'REF_FILE_OUTSIDE', path: '/properties/b/$ref' }]);
  });
});

describe('schema vendor', () => {
  it('writes a copy that the URL leads to, and says what it refers to', async () => {
    const { run, write, read } = repository({
      [TOPIC]: topic({ a: { $ref: 'https://example.com/models/schema.json#/definitions/n' } }),
      'download.json': { $schema: DRAFT_04, definitions: { n: { type: 'number' }, m: { $ref: 'm.json' } } },
    });
    await expect(
      run('schema', 'vendor', 'download.json', '--as', 'https://example.com/models/schema.json'),
    ).resolves.toEqual({
      code: 0,
      output:
        'schemas/common/example.com.models.schema.json written: references to https://example.com/models/schema.json lead to it.\n' +
        'It refers to https://example.com/models/m.json: vendor that, too, if it is not in the repository.\n',
      error: '',
    });
    const verdict = judge((await read()).text?.replace('"m.json"', '"#"'));
    expect([{ a: 1 }, { a: 'x' }].map(verdict)).toEqual([true, false]);
    write('download.json', {});
    const again = await run('schema', 'vendor', 'download.json', '--as', 'https://example.com/models/schema.json');
    expect(again.error).toContain('--force replaces it');
  });
});
