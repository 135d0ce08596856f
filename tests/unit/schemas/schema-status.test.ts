import { describe, expect, it } from '@jest/globals';
import { OUTPUTS, schema, workspace } from '../../../packages/cli/tests/workspace';
import { pipeline } from '../memory-pipeline';

/** A pipeline with three schemas: one active, one refused since, and one whose upload nobody handles. */
async function setUp() {
  const cloud = pipeline();
  const files = workspace(cloud.connect);
  files.write('lean-ops.json', OUTPUTS);
  for (const topic of ['door.open', 'tank.level', 'tank.temp'])
    files.write(`schemas/${topic}/schema.json`, schema(topic));
  await files.run('schema', 'push', 'schemas');
  files.write(
    'bad/tank.level/schema.json',
    schema('tank.level', { 'x-version': 2, properties: { device_id: { type: 'integer', 'x-cde': true } } }),
  );
  await files.run('schema', 'push', 'bad', '--no-lint');
  return { cloud, ...files };
}

describe('schema status', () => {
  it('shows all schemas in a line each, what is wrong first, and ends with 1', async () => {
    const { run } = await setUp();
    const { code, output } = await run('schema', 'status');
    expect(output).toBe(`topic       state   version  active since (UTC)  what is wrong or under way
${'─'.repeat(87)}
tank.level  FAILED        1  2026-11-23 10:00    refused 2026-11-23 10:00: TYPE_CHANGED
door.open   ACTIVE        1  2026-11-23 10:00    –
tank.temp   ACTIVE        1  2026-11-23 10:00    –

3 schemas: 1 failed, 2 active.
Every problem of a failed one: lean-ops schema status TOPIC
`);
    expect(code).toBe(1);
  });

  it('shows one schema with every problem, at its place in the text that was refused', async () => {
    const { run } = await setUp();
    await expect(run('schema', 'status', 'tank.level')).resolves.toEqual({
      code: 1,
      error: '',
      output: `tank.level: FAILED
  active   version 1, since 2026-11-23 10:00 UTC
  failed   refused 2026-11-23 10:00 UTC; version 1 stays active
  10:17   COLUMN_REMOVED  /properties/level
          the column level is no longer in the schema, but queries may still read it
          → keep the field: it is NULL where producers stop sending it; mark it "deprecated": true; or have Curated rebuilt: lean-ops schema push --breaking, or x-breaking in the file
  11:18   TYPE_CHANGED  /properties/device_id
          the type of device_id changes from string to bigint, which does not hold every value it had
          → keep string, and add a new field with the new type beside it; or have Curated rebuilt: lean-ops schema push --breaking, or x-breaking in the file
Correct the file and push it, or push the active one to withdraw the upload: lean-ops schema push schemas/tank.level
`,
    });
    await expect(run('schema', 'status', 'door.open')).resolves.toEqual({
      code: 0,
      error: '',
      output: 'door.open: ACTIVE\n  active   version 1, since 2026-11-23 10:00 UTC\n',
    });
  });

  it('shows an upload that waits, and calls it stuck after half an hour', async () => {
    const { cloud, run } = await setUp();
    await cloud.put('tank.temp', 'pending/schema.json', '{}');
    await expect(run('schema', 'status', 'tank.temp')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('pending  uploaded 2026-11-23 10:00 UTC, without a verdict yet'),
    });
    cloud.time.pass(31 * 60_000);
    const { code, output } = await run('schema', 'status', 'tank.temp');
    expect(output).toMatch(/^tank.temp: STUCK\n[^]*see docs\/runbooks\/failed-schema-uploads.md\n$/);
    expect(code).toBe(1);
    await expect(run('schema', 'status')).resolves.toMatchObject({
      code: 1,
      output: expect.stringMatching(/\n─+\ntank.temp {3}STUCK .* no verdict since 2026-11-23 10:00\n/),
    });
  });

  it('shows a corrected upload that waits beside the refusal before it, and asks for nothing', async () => {
    const { cloud, run } = await setUp();
    cloud.time.pass(60_000);
    await cloud.put('tank.level', 'pending/schema.json', '{}');
    const all = await run('schema', 'status');
    expect(all.output).toMatch(/\ntank.level {2}PENDING .* uploaded 2026-11-23 10:01, after a refusal\n/);
    expect(all.code).toBe(0);
    const { output } = await run('schema', 'status', 'tank.level');
    expect(output).toContain('failed   refused 2026-11-23 10:00 UTC');
    expect(output).not.toContain('upload it again');
  });

  it('prints the same as JSON, with the problems', async () => {
    const { run } = await setUp();
    const { code, output } = await run('schema', 'status', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      schemas: [
        {
          topic: 'tank.level',
          state: 'FAILED',
          active: { version: 1 },
          failed: { code: 'TYPE_CHANGED', since: expect.stringMatching(/^2026-11-23T10:00/) },
          problems: [{ code: 'COLUMN_REMOVED', line: 10 }, { code: 'TYPE_CHANGED' }],
        },
        { topic: 'door.open', state: 'ACTIVE', problems: null },
        { topic: 'tank.temp', state: 'ACTIVE' },
      ],
    });
    expect(code).toBe(1);
  });

  it('ends with 2 for a topic without a schema, and says when no topic has one', async () => {
    const { run } = await setUp();
    await expect(run('schema', 'status', 'tank.lvel')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('tank.lvel has no schema. Is it spelled right?'),
    });
    await expect(run('schema', 'status', '--format', 'github')).resolves.toMatchObject({ code: 2 });
    const empty = workspace(pipeline().connect);
    empty.write('lean-ops.json', OUTPUTS);
    await expect(empty.run('schema', 'status')).resolves.toMatchObject({ code: 0, output: 'No topic has a schema.\n' });
  });
});
