import { describe, expect, it } from '@jest/globals';
import { OUTPUTS, schema, workspace } from '../../../packages/cli/tests/workspace';
import { pipeline } from '../memory-pipeline';

function setUp(...topics: string[]) {
  const cloud = pipeline();
  const files = workspace(cloud.connect);
  files.write('lean-ops.json', OUTPUTS);
  for (const topic of topics) files.write(`schemas/${topic}/schema.json`, schema(topic));
  return { cloud, ...files };
}

describe('schema sync', () => {
  it('uploads what is not active, and a second time nothing', async () => {
    const { cloud, write, run } = setUp('a', 'b');
    await expect(run('schema', 'sync', 'schemas', '--dry-run')).resolves.toEqual({
      code: 0,
      output:
        'schemas/a/schema.json  (a, version 1)  would be uploaded: new\n' +
        'schemas/b/schema.json  (b, version 1)  would be uploaded: new\n2 schemas: 2 would be uploaded.\n',
      error: '',
    });
    expect(cloud.uploads()).toEqual([]);
    await expect(run('schema', 'sync', 'schemas')).resolves.toMatchObject({
      code: 0,
      output: expect.stringMatching(/2 schemas: 2 ready\.\n$/),
    });
    const before = cloud.objects.journal.length;
    await expect(run('schema', 'sync', 'schemas')).resolves.toEqual({
      code: 0,
      output: '2 schemas: 2 already active.\n',
      error: '',
    });
    // A text that differs only in white space is the same schema.
    write('schemas/a/schema.json', JSON.stringify(schema('a')));
    await run('schema', 'sync', 'schemas');
    expect(cloud.objects.journal).toHaveLength(before);

    write('schemas/a/schema.json', schema('a', { title: 'Other' }));
    await expect(run('schema', 'sync', 'schemas', '--format', 'json')).resolves.toMatchObject({
      output: expect.stringContaining('"outcome": "ACTIVE"'),
    });
    expect(cloud.uploads()).toHaveLength(3);
  });

  it('says which topics are active without a file, and leaves them alone', async () => {
    const { cloud, remove, run } = setUp('a', 'b', 'c');
    await run('schema', 'sync', 'schemas');
    remove('schemas/a/schema.json');
    remove('schemas/c/schema.json');
    const { code, output } = await run('schema', 'sync', 'schemas');
    expect(output).toBe('2 topics active without a file here, left as they are: a, c\n1 schema: 1 already active.\n');
    expect(code).toBe(0);
    expect(cloud.text('a', 'active/schema.json')).toBeDefined();
  });

  it('uploads nothing when any file is bad, or two share a table', async () => {
    const { cloud, write, run } = setUp('a', 'b-c', 'b.c');
    write('schemas/d/schema.json', '{');
    const { code, output } = await run('schema', 'sync', 'schemas');
    expect(output).toContain('TOPIC_COLLISION');
    expect(output).toContain('NOT_JSON');
    expect(output).toMatch(/4 schemas checked: 2 problems in 2 files\.\nNothing was uploaded\.\n$/);
    expect(code).toBe(1);
    expect(cloud.uploads()).toEqual([]);
  });

  it('uploads the text again whose tries ended, as nothing is known against it', async () => {
    const { cloud, run } = setUp('a');
    const handleAll = cloud.meanwhile;
    cloud.meanwhile = async () => {
      for (let event = cloud.events.shift(); event !== undefined; event = cloud.events.shift()) await cloud.end(event);
    };
    const first = await run('schema', 'sync', 'schemas');
    expect(first.output).toContain('REFUSED by schema-validator');
    expect(first.output).toContain('TRIES_ENDED');
    cloud.meanwhile = handleAll;
    await expect(run('schema', 'sync', 'schemas')).resolves.toMatchObject({
      code: 0,
      output: expect.stringMatching(/1 schema: 1 ready\.\n$/),
    });
  });

  it('does not upload the text again that was refused, and says so with its problems', async () => {
    const { cloud, write, run } = setUp('a');
    cloud.warehouse.tables.set('acme_curated.a', [{ name: 'level', type: 'string' }]);
    const first = await run('schema', 'sync', 'schemas');
    expect(first.output).toContain('REFUSED by schema-validator');
    expect(first.output).toContain('TABLE_CONFLICT');
    const second = await run('schema', 'sync', 'schemas');
    expect(second.output).toContain(
      'schemas/a/schema.json  (a, version 1)  REFUSED\n          not uploaded: the same text was refused before (--force uploads it again)\n',
    );
    expect(second.output).toContain('TABLE_CONFLICT');
    expect(second.code).toBe(1);
    expect(cloud.uploads()).toHaveLength(1);

    cloud.warehouse.tables.delete('acme_curated.a');
    await expect(run('schema', 'sync', 'schemas', '--force')).resolves.toMatchObject({ code: 0 });
    // After a refused version 2 was taken back, version 1 is uploaded once more, so that the topic's status is READY.
    write('schemas/a/schema.json', schema('a', { title: 'Two', 'x-version': 2 }));
    cloud.warehouse.tables.set('acme_curated.a', [{ name: 'level', type: 'string' }]);
    await run('schema', 'sync', 'schemas');
    await expect(cloud.item('a')).resolves.toMatchObject({ status: 'ERROR' });
    cloud.warehouse.tables.delete('acme_curated.a');
    write('schemas/a/schema.json', schema('a'));
    await run('schema', 'sync', 'schemas');
    await expect(cloud.item('a')).resolves.toMatchObject({ status: 'READY', schema_version: 1 });
    await expect(run('schema', 'sync', 'schemas')).resolves.toMatchObject({ output: '1 schema: 1 already active.\n' });
  });

  it('makes up for a run that was killed: before the verdict, and after a verdict nobody read', async () => {
    const { cloud, run } = setUp('a', 'b', 'c');
    const { meanwhile } = cloud;
    cloud.meanwhile = () => Promise.reject(new Error('killed'));
    await run('schema', 'sync', 'schemas');
    expect(cloud.uploads()).toHaveLength(3);
    const [first] = cloud.events.splice(0);
    if (first) await cloud.handle(first);
    cloud.meanwhile = meanwhile;
    // The events of two uploads were lost.
    await expect(run('schema', 'sync', 'schemas')).resolves.toMatchObject({
      code: 0,
      output: expect.stringMatching(/3 schemas: 2 ready, 1 already active\.\n$/),
    });
    await expect(run('schema', 'sync', 'schemas')).resolves.toMatchObject({ output: '3 schemas: 3 already active.\n' });
  });

  it('keeps to its bound of uploads at one time, and needs one listing for hundreds of topics', async () => {
    const topics = Array.from({ length: 120 }, (_, index) => `t${index}`);
    const { cloud, run } = setUp(...topics);
    let waiting = 0;
    let most = 0;
    let lists = 0;
    const { port, meanwhile } = cloud;
    cloud.port = {
      ...port,
      list: (...args) => {
        lists += 1;
        return port.list(...args);
      },
    };
    cloud.meanwhile = async () => {
      waiting = cloud.events.length;
      most = Math.max(most, waiting);
      await meanwhile();
    };
    await expect(run('schema', 'sync', 'schemas', '--concurrency', '5')).resolves.toMatchObject({ code: 0 });
    expect(most).toBe(5);
    expect(lists).toBe(1);
    expect(cloud.warehouse.tables.size).toBe(240);
    await expect(run('schema', 'sync', 'schemas', '--concurrency', '21')).resolves.toMatchObject({ code: 2 });
  });
});

describe('schema diff --active', () => {
  it('compares with what is in force, and shows the statements of this pipeline', async () => {
    const { write, remove, run } = setUp('a', 'b', 'c');
    await run('schema', 'sync', 'schemas');
    await expect(run('schema', 'diff', '--active')).resolves.toMatchObject({
      code: 0,
      output: '3 schemas compared with what is active in s3://acme-schemas: no differences.\n',
    });
    const properties = {
      device_id: { type: 'string', 'x-cde': true },
      level: { type: 'integer', 'x-type': 'int', minimum: 0 },
    };
    write(
      'schemas/a/schema.json',
      schema('a', { 'x-version': 2, properties: { ...properties, note: { type: 'string' } } }),
    );
    remove('schemas/b/schema.json');
    // The file lies elsewhere, and is still of the same topic.
    remove('schemas/c/schema.json');
    write('schemas/team/c/schema.json', schema('c'));
    write('schemas/d/schema.json', schema('d'));
    const { code, output } = await run('schema', 'diff', '--active', '--sql');
    expect(output).toContain('(a, version 1 → 2)');
    expect(output).toContain('ALTER TABLE `acme_curated`.`a` ADD COLUMNS (`note` string);');
    expect(output).toContain('schemas/b/schema.json  (b, removed)');
    expect(output).toContain("LOCATION 's3://acme-lake/warehouse/acme_curated/d/'");
    expect(output).toContain(
      '4 schemas compared with what is active in s3://acme-schemas: 1 new, 1 changed (no breaking changes, 1 compatible change), 1 removed.',
    );
    expect(code).toBe(0);
    await expect(run('schema', 'diff', '--active', 'schemas/b')).resolves.toMatchObject({
      output: expect.stringContaining('(b, removed)'),
    });
    await expect(run('schema', 'diff', '--active', 'schemas/a/schema.json')).resolves.toMatchObject({
      output: expect.stringMatching(/^schemas\/a\/schema.json[^]*\n1 schema compared/),
    });
    await expect(run('schema', 'diff', '--active', 'schemas/x')).resolves.toMatchObject({ code: 2 });
  });

  it('is not for a git ref, nor for other names than those of the pipeline', async () => {
    for (const other of ['--base=HEAD', '--database-prefix=x', '--lake-bucket=x']) {
      await expect(setUp('a').run('schema', 'diff', '--active', other)).resolves.toMatchObject({
        code: 2,
        error: expect.stringContaining('cannot be used with'),
      });
    }
  });
});
