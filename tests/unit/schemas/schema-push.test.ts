import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TopicName } from '../../../packages/common/src/core';
import { uploadSchema } from '../../../packages/cli/src/upload/upload-schema';
import { OUTPUTS, schema, workspace } from '../../../packages/cli/tests/workspace';
import { deploymentFrom } from '../../../packages/cli/src/pipeline/deployment';
import { BUCKET, pipeline } from '../memory-pipeline';

const FILE = 'schemas/tank.level/schema.json';

function setUp() {
  const cloud = pipeline();
  const files = workspace(cloud.connect);
  files.write('lean-ops.json', OUTPUTS);
  return { cloud, ...files };
}

const v2 = schema('tank.level', {
  'x-version': 2,
  properties: {
    device_id: { type: 'string', 'x-cde': true },
    level: { type: 'integer', minimum: 0 },
    note: { type: 'string' },
  },
});

/** A pipeline in which `v2` is active, with its tables and the columns of the Curated one. */
async function setUpActive() {
  const { cloud, write, run } = setUp();
  write(FILE, v2);
  await run('schema', 'push', FILE);
  const { tables } = cloud.warehouse;
  return { cloud, run, tables, whole: tables.get('acme_curated.tank_level') ?? [] };
}

describe('schema push', () => {
  it('uploads a new topic, waits for its tables, and does nothing the second time', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    await expect(run('schema', 'push', 'schemas/tank.level')).resolves.toEqual({
      code: 0,
      output: `${FILE}  (tank.level, version 1)  READY after 0.3 s, new\n1 schema: 1 ready.\n`,
      error: '',
    });
    expect([...cloud.warehouse.tables.keys()]).toEqual(['acme_standardized.tank_level', 'acme_curated.tank_level']);
    await expect(run('schema', 'push', FILE)).resolves.toMatchObject({
      code: 0,
      output: `${FILE}  (tank.level, version 1)  already active: nothing uploaded\n1 schema: 1 already active.\n`,
    });
    expect(cloud.uploads()).toHaveLength(1);
    await expect(run('schema', 'push', FILE, '--force')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('READY after 0.3 s, no changes'),
    });
    expect(cloud.uploads()).toHaveLength(2);
  });

  it.each([
    [
      { mended_errors: 12, mended_fingerprints: 2 },
      '12 open errors of 2 fingerprints are valid under version 2: lean-ops errors replay --topic tank.level --apply --reason TEXT',
    ],
    [
      { mended_errors: 1, mended_fingerprints: 1, mended_by: 'op-1' },
      '1 open error of 1 fingerprint is valid under version 2: it is being replayed, lean-ops op show op-1',
    ],
    [{ mended_errors: 0, mended_fingerprints: 0 }, undefined],
  ])('says what a new version mends of the errors on record: %j', async (counted, note) => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    await run('schema', 'push', FILE);
    write(FILE, v2);
    const handleAll = cloud.meanwhile;
    let sleeps = 0;
    // The count comes after the verdict.
    cloud.meanwhile = async () => {
      await handleAll();
      sleeps += 1;
      if (sleeps < 3) return;
      const set = { ...counted, mended_at_version: 2 };
      await cloud.documents.update(OUTPUTS.schema_registry_table, { topic_name: 'tank.level' }, { set });
    };
    const { code, output } = await run('schema', 'push', FILE);
    expect(code).toBe(0);
    expect(output).toBe(
      `${FILE}  (tank.level, version 2)  READY after 0.3 s, 2 changes\n` +
        `${note === undefined ? '' : `          ${note}\n`}1 schema: 1 ready.\n`,
    );
  });

  it('waits a while for a count that does not come, and no longer', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    await run('schema', 'push', FILE);
    write(FILE, v2);
    const before = cloud.time.now();
    await expect(run('schema', 'push', FILE)).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('READY'),
    });
    expect(cloud.time.now() - before).toBeGreaterThan(15_000);
    expect(cloud.time.now() - before).toBeLessThan(20_000);
  });

  it('looks at the tables of an active schema, and mends the ones that are behind it', async () => {
    const { cloud, run, tables, whole } = await setUpActive();

    tables.set(
      'acme_curated.tank_level',
      whole.filter(({ name }) => name !== 'note'),
    );
    await expect(run('schema', 'push', FILE)).resolves.toEqual({
      code: 0,
      output: `${FILE}  (tank.level, version 2)  READY after 0.3 s, the tables are mended
          acme_curated.tank_level lacks note: the active schema is uploaded again, which mends that
1 schema: 1 ready.
`,
      error: '',
    });
    expect(tables.get('acme_curated.tank_level')?.map(({ name }) => name)).toContain('note');

    tables.delete('acme_curated.tank_level');
    await expect(run('schema', 'sync', 'schemas', '--dry-run')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('the table acme_curated.tank_level is not there: the active schema is uploaded'),
    });
    expect(tables.has('acme_curated.tank_level')).toBe(false);
    await run('schema', 'sync', 'schemas');
    expect(tables.has('acme_curated.tank_level')).toBe(true);
    expect(cloud.uploads()).toHaveLength(3);
  });

  it('does not call an active schema well whose table has another type, and uploads nothing', async () => {
    const { cloud, run, tables, whole } = await setUpActive();
    tables.set(
      'acme_curated.tank_level',
      whole.map((column) => (column.name === 'note' ? { ...column, type: 'boolean' } : column)),
    );
    const { code, output } = await run('schema', 'push', FILE);
    expect(code).toBe(1);
    expect(output).toContain('not uploaded: the schema is active, and its table is not what it says');
    expect(output).toContain('acme_curated.tank_level has note as boolean, and the active schema says string');
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('says that it may not look at the tables, and fails when nobody answers', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, v2);
    await run('schema', 'push', FILE);
    const denied = new Error('User: x is not authorized to perform: glue:GetTable');
    cloud.warehouse.getTable = () => Promise.reject(Object.assign(denied, { name: 'AccessDeniedException' }));
    const unknown = 'whether its tables are as it says is not known: not allowed: these credentials need glue:GetTable';
    for (const command of [
      ['push', FILE],
      ['sync', 'schemas'],
    ]) {
      await expect(run('schema', ...command)).resolves.toMatchObject({
        code: 0,
        output: expect.stringContaining(unknown),
      });
    }
    cloud.warehouse.getTable = () => Promise.reject(new Error('connect ECONNREFUSED'));
    await expect(run('schema', 'push', FILE)).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('AWS was not reached for glue:GetTable on the tables of tank.level'),
    });
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('says of a held topic that the upload waits for the release, and ends with 2 as it is not in force', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    await run('schema', 'push', 'schemas');
    cloud.seedItem({ ...((await cloud.item('tank.level')) as { topic_name: string }), status: 'MAINTENANCE' });
    write(FILE, v2);
    await expect(run('schema', 'push', 'schemas')).resolves.toMatchObject({
      code: 2,
      output: `${FILE}  (tank.level, version 2)  PENDING_MAINTENANCE after 0.3 s: the topic is held
          tank.level is held: the upload waits and is decided on when the topic is released (lean-ops topic status tank.level)
1 schema: 1 waiting for the release of its topic.
`,
    });
  });

  it('uploads nothing when any file has a problem, and shows each with its place', async () => {
    const { cloud, write, run } = setUp();
    write('schemas/ok/schema.json', schema('ok'));
    write(FILE, schema('tank.level', { 'x-version': '1', requierd: [] }));
    const { code, output } = await run('schema', 'push', 'schemas');
    expect(output).toContain('  5:16    INVALID_VERSION  /x-version\n');
    expect(output).toContain('UNKNOWN_KEYWORD  /requierd\n');
    expect(code).toBe(1);
    expect(cloud.uploads()).toEqual([]);
  });

  it('shows every problem that the validator found, in the lines of the file', async () => {
    const { cloud, write, run } = setUp();
    write(
      FILE,
      schema('tank.level', {
        'x-version': '1',
        requierd: [],
        properties: { 'a.b': { type: 'string', pattern: '^(a+)+$' } },
      }),
    );
    const { code, output } = await run('schema', 'push', FILE, '--no-lint');
    expect(output).toContain(`${FILE}  (tank.level)  REFUSED by schema-validator after 0.3 s\n`);
    for (const line of [
      '5:16    INVALID_VERSION  /x-version',
      '13:18   PATTERN_UNSAFE  /properties/a.b/pattern',
      'UNKNOWN_KEYWORD  /requierd',
    ]) {
      expect(output).toContain(line);
    }
    expect(output).toMatch(/1 schema: 1 refused\.\n$/);
    expect(code).toBe(1);
    expect(cloud.text('tank.level', 'failed/error.json')).toBeDefined();
    const json = await run('schema', 'push', FILE, '--no-lint', '--format', 'json');
    expect(JSON.parse(json.output)).toMatchObject({
      files: [
        {
          topic: 'tank.level',
          outcome: 'REFUSED',
          uploaded: true,
          problems: expect.arrayContaining([
            expect.objectContaining({ code: 'INVALID_VERSION', pointer: '/x-version', line: 5 }),
          ]),
        },
      ],
    });
  });

  it('does not upload what could not follow the active version, unless it is told to', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    await run('schema', 'push', FILE);
    write(FILE, schema('tank.level', { properties: { device_id: { type: 'string', 'x-cde': true } } }));
    const { code, output } = await run('schema', 'push', FILE);
    expect(output).toContain('REFUSED\n          not uploaded: schema-validator would refuse it\n');
    expect(output).toContain('COLUMN_REMOVED  /properties/level');
    expect(code).toBe(1);
    expect(cloud.uploads()).toHaveLength(1);
    const github = await run('schema', 'push', FILE, '--no-lint', '--format', 'github');
    expect(github.output).toContain(`::error file=${FILE},line=10,col=17,title=COLUMN_REMOVED::`);
    expect(github.output).toContain('REFUSED by schema-validator');
    expect(cloud.uploads()).toHaveLength(2);
  });

  it.each([
    ['missing', undefined, 'but it is not there'],
    ['damaged', '{"etag":', 'but it is not JSON'],
    ['about another upload', '{"etag":"x","errors":[{"code":"Y"}]}', 'but it is about another upload'],
  ])('falls back to the registry when error.json is %s', async (_, text, reason) => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level', { 'x-version': '1' }));
    const { meanwhile } = cloud;
    cloud.meanwhile = async () => {
      await meanwhile();
      await cloud.objects.delete(BUCKET, 'schemas/tank.level/failed/error.json');
      if (text !== undefined) await cloud.put('tank.level', 'failed/error.json', text);
    };
    const { code, output } = await run('schema', 'push', FILE, '--no-lint');
    expect(output).toContain('1:1     INVALID_VERSION\n');
    expect(output).toContain(reason);
    expect(code).toBe(1);
  });

  it('says where to look when no verdict comes, and loses nothing', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    cloud.meanwhile = () => Promise.resolve();
    const { code, output } = await run('schema', 'push', FILE, '--timeout', '5');
    expect(output).toMatch(
      /no verdict after \d\.\d s\n {10}schema-validator has not begun: see the log group \/aws\/lambda\/acme-schema-validator and docs/,
    );
    expect(code).toBe(2);
    expect(cloud.text('tank.level', 'pending/schema.json')).toBeDefined();

    cloud.meanwhile = async () => {
      cloud.seedItem({ topic_name: 'tank.level', claimed_sequencer: '1' });
      await Promise.resolve();
    };
    await expect(run('schema', 'push', FILE, '--timeout', '5')).resolves.toMatchObject({
      code: 2,
      output: expect.stringContaining(
        'schema-validator has begun but not finished: look again with lean-ops schema status',
      ),
    });
  });

  it('says that a newer upload took its place', async () => {
    const { cloud, write, run } = setUp();
    write(FILE, schema('tank.level'));
    const { meanwhile } = cloud;
    cloud.meanwhile = async () => {
      cloud.meanwhile = meanwhile;
      await cloud.port.put(BUCKET, 'schemas/tank.level/pending/schema.json', JSON.stringify(v2));
      await meanwhile();
    };
    const { code, output } = await run('schema', 'push', FILE);
    expect(output).toContain('replaced by a newer upload after 0.3 s\n          this text is not active: ');
    expect(code).toBe(2);
  });

  it('reports each of several files, and one that AWS refuses stops no other', async () => {
    const { cloud, write, run } = setUp();
    for (const topic of ['a', 'b', 'c']) write(`schemas/${topic}/schema.json`, schema(topic));
    const { port } = cloud;
    cloud.port = {
      ...port,
      put: (bucket, key, body) =>
        key.includes('/b/')
          ? Promise.reject(Object.assign(new Error('Access Denied'), { name: 'AccessDenied' }))
          : port.put(bucket, key, body),
    };
    const { code, output } = await run('schema', 'push', 'schemas');
    expect(output).toContain('schemas/a/schema.json  (a, version 1)  READY');
    expect(output).toContain('schemas/c/schema.json  (c, version 1)  READY');
    expect(output).toContain(
      'schemas/b/schema.json  (b)  failed\n          not allowed: these credentials need s3:PutObject on s3://acme-schemas/schemas/b/pending/schema.json. AWS says: Access Denied\n',
    );
    expect(output).toMatch(/3 schemas: 2 ready, 1 failed\.\n$/);
    expect(code).toBe(2);
  });

  it('takes the topic from where it is told, and refuses what is none', async () => {
    const { cloud, write, run } = setUp();
    write('draft.json', schema('tank.level', { 'x-topic': undefined }));
    await expect(run('schema', 'push', 'draft.json', '--no-lint')).resolves.toMatchObject({
      code: 2,
      error: 'error: draft.json names no topic: name it with --topic.\n',
    });
    write('draft.json', schema('../../x'));
    for (const args of [['draft.json'], ['draft.json', '--topic', 'A/..']]) {
      await expect(run('schema', 'push', '--no-lint', ...args)).resolves.toMatchObject({
        code: 2,
        error: expect.stringContaining('is not a topic name'),
      });
    }
    await expect(run('schema', 'push', 'draft.json', '--topic', 'tank.level')).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining('TOPIC_MISMATCH'),
    });
    expect(cloud.uploads()).toEqual([]);
    write('draft.json', schema('tank.level'));
    await expect(run('schema', 'push', 'draft.json')).resolves.toMatchObject({ code: 0 });
    write('other/tank.level/schema.json', schema('tank.level'));
    await expect(run('schema', 'push', 'draft.json', 'other', '--no-lint')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('are both for the topic tank.level: upload one of them'),
    });
    await expect(run('schema', 'push', 'draft.json', 'other', '--topic=a')).resolves.toMatchObject({ code: 2 });
    await expect(run('schema', 'push', 'draft.json', '--timeout', '0')).resolves.toMatchObject({ code: 2 });
    await expect(run('schema', 'push')).resolves.toMatchObject({ code: 2 });
  });
});

describe('two people who push one topic', () => {
  const topic = 'tank.level' as TopicName;
  const texts = [schema(topic), v2, schema(topic, { 'x-version': 'bad' })].map((document) => JSON.stringify(document));
  const read = deploymentFrom(OUTPUTS);
  if (!read.ok) throw new Error('no deployment');
  const { deployment } = read;

  it('each hear of their own upload, however events are late, twice or out of order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(4)), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat(5)),
        async (pushes, chances) => {
          const cloud = pipeline();
          const verdicts: string[] = [];
          cloud.meanwhile = async () => {
            const chance = chances.next().value;
            const event = cloud.events[chance % Math.max(cloud.events.length, 1)];
            if (event === undefined || chance === 5) return;
            // One event in five is delivered again later.
            if (chance !== 4) cloud.events.splice(cloud.events.indexOf(event), 1);
            await cloud.handle(event).catch(() => void cloud.events.push(event));
          };
          const connected = cloud.connect(deployment);
          const results = await Promise.all(
            pushes.map(async ([which, delay]) => {
              for (let turn = 0; turn < delay; turn += 1) await connected.clock.sleep(1);
              const outcome = await uploadSchema(topic, texts[which] ?? '', deployment, connected, 3_600_000);
              verdicts.push(outcome.verdict);
              return { which, outcome };
            }),
          );
          for (const { which, outcome } of results) {
            const own =
              which === 2 ? ['REFUSED'] : pushes.every(([other]) => other !== 1) ? ['READY'] : ['READY', 'REFUSED'];
            expect([
              ...own,
              ...(new Set(pushes.map(([other]) => other)).size > 1 ? ['SUPERSEDED', 'GONE'] : []),
            ]).toContain(outcome.verdict);
            if (outcome.verdict === 'REFUSED' && which === 2) {
              expect(outcome.problems[0]?.code).toBe('INVALID_VERSION');
            }
          }
          // At least one of the commands learns the verdict on its upload.
          expect(verdicts.filter((verdict) => verdict === 'READY' || verdict === 'REFUSED')).not.toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
