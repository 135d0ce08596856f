/** `lean-ops schema push --breaking`, against the real schema-validator and the real transitions of operations. */
import { describe, expect, it } from '@jest/globals';
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
