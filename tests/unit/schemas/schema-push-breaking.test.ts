/** `lean-ops schema push --breaking`, against the real schema-validator and the real transitions of operations. */
import { describe, expect, it } from '@jest/globals';
import { timeoutOf } from '../../../packages/cli/src/commands/push-breaking';
import { OUTPUTS, schema, workspace } from '../../../packages/cli/tests/workspace';
import { pipeline } from '../memory-pipeline';

const FILE = 'schemas/tank.level/schema.json';
const properties = (type: string) => ({ device_id: { type: 'string', 'x-cde': true }, level: { type } });
const first = schema('tank.level', { properties: properties('number') });
const breaking = schema('tank.level', { 'x-version': 2, properties: properties('string') });
const PUSH = ['schema', 'push', FILE];
const BREAKING = [...PUSH, '--breaking', '--reason', 'words now'];

async function setUp() {
  const cloud = pipeline();
  // No row has come yet.
  cloud.warehouse.query = () => Promise.resolve({ columns: [], rows: [] });
  const files = workspace(cloud.connect);
  files.write('lean-ops.json', OUTPUTS);
  files.write(FILE, first);
  await files.run(...PUSH);
  files.write(FILE, breaking);
  return { cloud, ...files };
}

describe('schema push --breaking', () => {
  it('is what the refusal of a breaking change names', async () => {
    const { run, cloud } = await setUp();
    const { code, output } = await run(...PUSH);
    expect([code, output]).toEqual([1, expect.stringContaining('lean-ops schema push --breaking')]);
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('shows the plan, uploads with the reason, and waits for the rebuild as long as it is told', async () => {
    const { run, cloud } = await setUp();
    const { code, output } = await run(...BREAKING, '--timeout', '5');
    expect(output).toContain('The merge breaks version 1, for this reason: words now.');
    expect(output).toMatch(/\d+T\d+Z-rebuild-[0-9a-f]{6} rebuilds Curated of tank\.level under it/);
    expect([code, output]).toEqual([2, expect.stringContaining('PENDING_REBUILD')]);
    expect(cloud.outcomes.at(-1)).toMatchObject({ outcome: 'PENDING_REBUILD', topic: 'tank.level' });
    await expect(cloud.item('tank.level')).resolves.toMatchObject({ schema_version: 1, status: 'READY' });
  });

  it('does not wait for a rebuild that has failed, and says why and how to go on', async () => {
    const { run, write, cloud } = await setUp();
    write('lean-ops.json', { ...OUTPUTS, operations_table: 'acme-operations' });
    const { meanwhile } = cloud;
    cloud.meanwhile = async () => {
      await meanwhile();
      for (const { operation_id: id, kind } of await cloud.documents.scan('acme-operations')) {
        const failed = { state: 'FAILED', error: 'TOO_MANY_REJECTED: 3 of 4 messages' };
        if (kind === 'rebuild')
          await cloud.documents.update('acme-operations', { operation_id: id ?? '' }, { set: failed });
      }
    };
    const { code, output } = await run(...BREAKING);
    expect([code, output]).toEqual([
      2,
      expect.stringContaining('TOO_MANY_REJECTED: 3 of 4 messages; lean-ops op resume'),
    ]);
  });

  it('has one document for programs also where it stops before the upload', async () => {
    const { run, write, cloud } = await setUp();
    write(FILE, { ...breaking, 'x-version': 1 });
    const { code, output, error } = await run(...BREAKING, '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      files: [
        { topic: 'tank.level', outcome: 'REFUSED', uploaded: false, problems: [{ code: 'VERSION_NOT_INCREASED' }] },
      ],
    });
    expect([code, error]).toEqual([1, expect.stringContaining('Blocked: ')]);
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('takes no reason that a record or the metadata of an object has no room for', async () => {
    const { run, cloud } = await setUp();
    for (const [reason, said] of [
      ['x'.repeat(501), '--reason has 501 characters, and a record takes 500'],
      ['üß'.repeat(160), 'bytes as metadata of the upload'],
    ] as const) {
      const { code, error } = await run(...PUSH, '--breaking', '--reason', reason);
      expect([code, error]).toEqual([2, expect.stringContaining(said)]);
    }
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('waits as long as it is told, which may be as long as a verdict takes', () => {
    expect([timeoutOf({ breaking: true }), timeoutOf({ breaking: true, timeout: 120 })]).toEqual([7_200, 120]);
    expect([timeoutOf({ breaking: false }), timeoutOf({ breaking: false, timeout: 7_200 })]).toEqual([120, 7_200]);
  });

  it('needs a reason, and a single file', async () => {
    const { run, write, cloud } = await setUp();
    await expect(run(...PUSH, '--breaking')).resolves.toMatchObject({ code: 2 });
    await expect(run(...PUSH, '--reason', 'x')).resolves.toMatchObject({ code: 2 });
    write('schemas/other.topic/schema.json', schema('other.topic'));
    await expect(run('schema', 'push', 'schemas', '--breaking', '--reason', 'x')).resolves.toMatchObject({ code: 2 });
    expect(cloud.uploads()).toHaveLength(1);
  });

  it('is not needed where the file says why, and a pull request is warned and not stopped', async () => {
    const { run, write } = await setUp();
    write(FILE, { ...breaking, 'x-breaking': true, 'x-breaking-reason': 'words now' });
    const diff = await run('schema', 'diff', 'schemas', '--active', '--format', 'github');
    expect(diff.code).toBe(0);
    expect(diff.output).toContain('::warning file=schemas/tank.level/schema.json');
    expect(diff.output).not.toContain('::error');
    const { output } = await run(...PUSH, '--timeout', '5');
    expect(output).toContain('PENDING_REBUILD');
  });
});
