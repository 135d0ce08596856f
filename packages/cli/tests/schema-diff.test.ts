import { describe, expect, it } from '@jest/globals';
import { schema, workspace } from './workspace';

/** A repository with one commit, which has a first version of tank.level. */
function repository() {
  const repository = workspace();
  repository.git('init', '--quiet', '--initial-branch=main');
  repository.write('schemas/tank.level/schema.json', schema('tank.level'));
  repository.git('add', '.');
  repository.git('commit', '--quiet', '--message=first');
  return repository;
}

const fields = (more: object) => ({
  properties: {
    device_id: { type: 'string', 'x-cde': true },
    level: { type: 'integer', 'x-type': 'int', minimum: 0 },
    ...more,
  },
});

describe('schema diff', () => {
  it('says that nothing differs', async () => {
    await expect(repository().run('schema', 'diff')).resolves.toEqual({
      code: 0,
      output: '1 schema compared with HEAD: no differences.\n',
      error: '',
    });
  });

  it('shows compatible changes, and what the merge runs', async () => {
    const { write, run } = repository();
    const next = fields({ level: { type: 'integer', minimum: 0 }, note: { type: 'string' } });
    write('schemas/tank.level/schema.json', schema('tank.level', { 'x-version': 2, ...next }));
    const { code, output } = await run('schema', 'diff');
    expect(output).toBe(`schemas/tank.level/schema.json  (tank.level, version 1 → 2)
  15:14   TYPE_CHANGED  /properties/level
          the type of level changes from int to bigint, which holds every value it had
  19:13   COLUMN_ADDED  /properties/note
          the column note (string) is added; it is NULL in rows that lack it
  The merge runs 2 statements:
    ALTER TABLE \`lean_ops_curated\`.\`tank_level\` ADD COLUMNS (\`note\` string);
    ALTER TABLE \`lean_ops_curated\`.\`tank_level\` CHANGE COLUMN \`level\` \`level\` bigint;

1 schema compared with HEAD: 1 changed (no breaking changes, 2 compatible changes).
`);
    expect(code).toBe(0);
  });

  it('shows what breaks, with the remedy, and that the merge would be refused', async () => {
    const { write, run } = repository();
    const next = { properties: { device_id: { type: 'string', 'x-cde': true, maxLength: 8 } } };
    write('schemas/tank.level/schema.json', schema('tank.level', next));
    const { code, output } = await run('schema', 'diff', 'schemas/tank.level');
    expect(output).toBe(`schemas/tank.level/schema.json  (tank.level, version 1)
  5:16    VERSION_NOT_INCREASED  /x-version
          x-version is 1, but version 1 is already active
          → write "x-version": 2
  10:17   BREAKING  COLUMN_REMOVED  /properties/level
          the column level is no longer in the schema, but queries may still read it
          → keep the field: it is NULL where producers stop sending it; mark it "deprecated": true
  14:20   BREAKING  CONSTRAINT_CHANGED  /properties/device_id/maxLength
          maxLength of device_id changes from none to 8: values that passed before may fail now
          → keep it without maxLength, or add a new field with the tighter rule beside it
  The merge would be refused: no table changes, and version 1 stays in force.

1 schema compared with HEAD: 1 changed (2 breaking changes, no compatible changes); the merge would refuse 1.
`);
    expect(code).toBe(1);
  });

  it('shows a new topic with its tables, one that is gone, and one that is no schema', async () => {
    const { write, remove, git, run } = repository();
    write('schemas/gone/schema.json', schema('gone'));
    git('add', '.');
    git('commit', '--quiet', '--message=second');
    remove('schemas/gone/schema.json');
    write('schemas/new/schema.json', schema('new'));
    write('schemas/tank.level/schema.json', '{,}');
    const { code, output } = await run('schema', 'diff', '--base', 'main', '--lake-bucket', 'our-lake');
    expect(output).toContain(`schemas/gone/schema.json  (gone, removed)
  The merge uploads nothing: the active schema stays in force, and the tables stay.
`);
    expect(output.replace(/\d+ columns/g, 'N columns')).toContain(`schemas/new/schema.json  (new, new, version 1)
  The merge runs 2 statements, whole with --sql:
    CREATE TABLE \`lean_ops_standardized\`.\`new\` … (N columns)
    CREATE TABLE \`lean_ops_curated\`.\`new\` … (N columns)
`);
    const whole = await run('schema', 'diff', '--base', 'main', '--lake-bucket', 'our-lake', '--sql');
    expect(whole.output).toContain(
      '  The merge runs 2 statements:\n    CREATE TABLE IF NOT EXISTS `lean_ops_standardized`.`new` (\n',
    );
    expect(whole.output).toContain("    LOCATION 's3://our-lake/warehouse/lean_ops_curated/new/'\n");
    expect(output).toContain(`schemas/tank.level/schema.json  (tank.level, not a valid schema)
  1:2     NOT_JSON
`);
    expect(output).toContain(
      '\n3 schemas compared with main: 1 new, 1 removed, 1 not valid; the merge would refuse 1.\n',
    );
    expect(code).toBe(1);
  });

  it('compares with another ref, from a folder below the root', async () => {
    const { write, git, run } = repository();
    git('tag', 'v1');
    write(
      'schemas/tank.level/schema.json',
      schema('tank.level', { 'x-version': 2, ...fields({ note: { type: 'string' } }) }),
    );
    git('commit', '--quiet', '--all', '--message=second');
    await expect(run('schema', 'diff')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('no differences'),
    });
    const { output } = await run('schema', 'diff', '--base', 'v1', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      base: 'v1',
      compared: 1,
      files: [
        {
          file: 'schemas/tank.level/schema.json',
          status: 'changed',
          versions: { before: 1, after: 2 },
          refused: false,
          changes: [{ code: 'COLUMN_ADDED', impact: 'compatible', pointer: '/properties/note', remedy: null }],
          problems: [],
          statements: [expect.stringContaining('ADD COLUMNS')],
        },
      ],
    });
  });

  it('annotates breaking changes as errors and the others as notices', async () => {
    const { write, run } = repository();
    const next = fields({ level: { type: 'string' }, note: { type: 'string' } });
    write('schemas/tank.level/schema.json', schema('tank.level', { 'x-version': 2, ...next }));
    const { code, output } = await run('schema', 'diff', '--format', 'github');
    const where = 'file=schemas/tank.level/schema.json';
    expect(output).toContain(`::error ${where},line=15,col=14,title=BREAKING TYPE_CHANGED::the type of level changes`);
    expect(output).toContain(`::notice ${where},line=18,col=13,title=COLUMN_ADDED::the column note`);
    expect(output).toContain(
      `::error ${where},line=1,col=1,title=tank.level%2C version 1 → 2::The merge would be refused`,
    );
    expect(code).toBe(1);
  });

  it('takes a base version that was accepted under older rules', async () => {
    const { write, git, run } = repository();
    write('schemas/tank.level/schema.json', schema('tank.level', { title: undefined }));
    git('commit', '--quiet', '--all', '--message=older rules');
    write('schemas/tank.level/schema.json', schema('tank.level'));
    const { code, output } = await run('schema', 'diff');
    expect(output).toContain('ANNOTATION_CHANGED');
    expect(output).toContain('The merge changes no table.');
    expect(code).toBe(0);
  });

  it('ends with 2 outside a repository, for an unknown ref, and for paths of which nothing is known', async () => {
    const bare = workspace();
    bare.write('schemas/a/schema.json', schema('a'));
    await expect(bare.run('schema', 'diff')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('not in a git repository'),
    });
    const { run } = repository();
    for (const ref of ['origin/main', '--output=x', 'HEAD:schemas', '']) {
      await expect(run('schema', 'diff', `--base=${ref}`)).resolves.toMatchObject({
        code: 2,
        error: expect.stringContaining(`the git ref ${ref} does not exist`),
      });
    }
    await expect(run('schema', 'diff', 'nowhere')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('nowhere: no topic schema, neither here nor at HEAD'),
    });
  });
});
