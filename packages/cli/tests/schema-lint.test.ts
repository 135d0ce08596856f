import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { schema, workspace } from './workspace';

describe('schema lint', () => {
  it('says that all is well, and of how many', async () => {
    const { write, run } = workspace();
    write('schemas/a.b/schema.json', schema('a.b'));
    write('schemas/a.c/pending/schema.json', schema('a.c'));
    write('schemas/a.c/active/schema.json', schema('a.c'));
    write('schemas/a.c/failed/schema.json', 'not looked at');
    write('schemas/meta-schema.json', { title: 'no topic schema' });
    await expect(run('schema', 'lint')).resolves.toEqual({
      code: 0,
      output: '3 schemas checked: no problems.\n',
      error: '',
    });
  });

  it('shows every problem of every file with its place, in the order of the lines', async () => {
    const { write, run } = workspace();
    write('schemas/ok/schema.json', schema('ok'));
    write(
      'schemas/tank.level/schema.json',
      [
        '{',
        '  "$schema": "https://json-schema.org/draft/2020-12/schema",',
        '  "title": "Levels",',
        '  "x-topic": "tank.levels",',
        '  "x-version": "1",',
        '  "type": "object",',
        '  "properties": {',
        '    "level": { "type": "integer", "minimum": 9, "maximum": 5, "x-cdc": true },',
        '    "serial": { "type": "string",',
        '      "pattern": "^a{1000}" }',
        '  }',
        '}',
      ].join('\n'),
    );
    write('schemas/tank.temp/schema.json', '{\n  "title": "Temperatures",\n}\n');
    const { code, output } = await run('schema', 'lint');
    expect(output).toBe(`schemas/tank.level/schema.json
  4:14    TOPIC_MISMATCH  /x-topic
          the file is for the topic tank.level, but says "tank.levels"
          → write "x-topic": "tank.level", or move the file to the folder of its topic
  5:16    INVALID_VERSION  /x-version
          "1" is not a version
          → write a whole number, 1 for the first version and one more for each change, without quotes
  8:46    EMPTY_RANGE  /properties/level/minimum
          no value lies between minimum 9 and maximum 5
          → make minimum smaller or maximum greater
  8:72    UNKNOWN_KEYWORD  /properties/level/x-cdc
          "x-cdc" is not a supported keyword
          → did you mean "x-cde"?
  10:18   PATTERN_UNSAFE  /properties/serial/pattern
          it has more than 256 characters once counted repeats are written out
          → use fewer and shorter counted repeats: write + or *, and maxLength beside the pattern

schemas/tank.temp/schema.json
  3:1     NOT_JSON
          not JSON at line 3, column 1: unexpected }
          → take out the comma before it: no comma follows the last member

3 schemas checked: 6 problems in 2 files.
`);
    expect(code).toBe(1);
  });

  it('sees what only the files together get wrong', async () => {
    const { write, run } = workspace();
    write('schemas/a-b/schema.json', schema('a-b'));
    write('schemas/a.b/schema.json', schema('a.b'));
    write('more/a.b/schema.json', schema('a.b'));
    const { code, output } = await run('schema', 'lint', 'schemas', 'more', '--format', 'json');
    const { problems } = JSON.parse(output) as { problems: { file: string; code: string; line: number }[] };
    expect(problems.map(({ file, code: what, line }) => `${file}:${line} ${what}`)).toEqual([
      'schemas/a-b/schema.json:4 TOPIC_COLLISION',
      'schemas/a.b/schema.json:4 TOPIC_TWICE',
    ]);
    expect(code).toBe(1);
  });

  it('finds a schema that lies where no upload takes it from', async () => {
    const { write, run } = workspace();
    write('schemas/a/schema.json', schema('a'));
    write('schemas/b.json', schema('b'));
    const { code, output } = await run('schema', 'lint', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      files: 2,
      problems: [{ file: 'schemas/b.json', code: 'FILE_NOT_READ' }],
    });
    expect(code).toBe(1);
    await expect(run('schema', 'lint', 'schemas/b.json')).resolves.toMatchObject({ code: 0 });
  });

  it('writes annotations that a workflow shows at the line, whatever the file says', async () => {
    const { write, run } = workspace();
    write('schemas/a,b: c/schema.json', schema('a', { required: ['one\n::error::100%'] }));
    const { output } = await run('schema', 'lint', '--format', 'github');
    expect(output.split('\n')).toEqual([
      '::error file=schemas/a%2Cb%3A c/schema.json,line=4,col=14,title=TOPIC_MISMATCH::' +
        'the file is for the topic a,b: c, but says "a" (/x-topic)%0A→ rename the folder: "a,b: c" is not a topic name',
      expect.stringMatching(
        /^::error file=schemas\/a%2Cb%3A c\/schema\.json,line=\d+,col=\d+,title=REQUIRED_UNKNOWN::"one\\n::error::100%25" is required, .*%0A→ [^\n]*$/,
      ),
      '1 schema checked: 2 problems in 1 file.',
      '',
    ]);
  });

  it('shows control characters by number, and long pointers short', async () => {
    const { write, run } = workspace();
    write(
      'schemas/a/schema.json',
      schema('a', { properties: { ['\u001b[2J\u202e' + 'n'.repeat(10_000)]: 1 }, required: [] }),
    );
    const { output } = await run('schema', 'lint');
    expect(output).not.toMatch(/[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u);
    expect(output).toContain('INVALID_FIELD  /properties/\\u001b[2J\\u202ennn');
    expect(Math.max(...output.split('\n').map(({ length }) => length))).toBeLessThan(200);
  });

  it('refuses what is no UTF-8, and what is too large to be read', async () => {
    const { write, run } = workspace();
    write('schemas/a/schema.json', Buffer.from(`\uFEFF${JSON.stringify(schema('a'))}`, 'utf16le'));
    write('schemas/b/schema.json', 'x'.repeat(5_000_000));
    const { code, output } = await run('schema', 'lint', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      problems: [{ code: 'NOT_UTF8', line: 1 }, { code: 'SCHEMA_TOO_LARGE' }],
    });
    expect(code).toBe(1);
  });

  it('mends with --fix what is certain, in the place of the file, and shows what is left', async () => {
    const { root, write, run } = workspace();
    const file = 'schemas/tank.level/schema.json';
    const text = (header: string, word: string) =>
      `{\n${header}  "type": "object",\n  "properties": {\n    "level": { "type": "number", "${word}": 1.50, "pattern": "(?=x)y" }\n  }\n}\n`;
    write(file, text('', 'minimun'));
    const { code, output, error } = await run('schema', 'lint', '--fix', 'schemas');
    expect(readFileSync(path.join(root, file), 'utf8')).toBe(
      text(
        '  "$schema": "https://json-schema.org/draft/2020-12/schema",\n  "x-topic": "tank.level",\n  "x-version": 1,\n',
        'minimum',
      ),
    );
    expect(error)
      .toBe(`schemas/tank.level/schema.json: header /$schema: "$schema" is "https://json-schema.org/draft/2020-12/schema"
schemas/tank.level/schema.json: header /x-topic: "x-topic" is "tank.level"
schemas/tank.level/schema.json: header /x-version: "x-version" is 1
schemas/tank.level/schema.json: corrected /properties/level/minimun: "minimun" is written "minimum"
`);
    expect(output).toContain('PATTERN_UNSUPPORTED  /properties/level/pattern');
    expect(code).toBe(1);
  });

  it('leaves a file as it is in which nothing is certain', async () => {
    const { root, write, run } = workspace();
    write('schemas/a/schema.json', schema('b', { properties: { x: { type: 'string', colour: 1 } }, required: [] }));
    const before = readFileSync(path.join(root, 'schemas/a/schema.json'), 'utf8');
    await expect(run('schema', 'lint', '--fix')).resolves.toMatchObject({ code: 1, error: '' });
    expect(readFileSync(path.join(root, 'schemas/a/schema.json'), 'utf8')).toBe(before);
  });

  it.each([
    [['schema', 'lint', 'nowhere'], 'nowhere does not exist'],
    [['schema', 'lint', '.'], 'no topic schema below .'],
    [['schema', 'lint', '--format', 'xml'], '--format must be one of text, json, github.'],
    [['schema', 'lnit'], "unknown command 'lnit'"],
  ])('ends %j with 2 and a reason', async (args, reason) => {
    const { code, output, error } = await workspace().run(...args);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(error).toContain(reason);
  });

  it.each(['lint', 'diff'])('tells its exit codes in the help of %s', async (command) => {
    const { code, output } = await workspace().run('schema', command, '--help');
    expect(code).toBe(0);
    expect(output).toMatch(/Exit codes:\n {2}0 .*\n {2}1 [^]*\n {2}2 /);
  });
});
