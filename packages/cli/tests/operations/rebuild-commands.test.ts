/** `lean-ops topic rebuild`, against a pipeline in memory whose operations run by the real transitions. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { schemaKeys, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { topicSchema, withField } from '@lean-ops/common/testing';
import { parseRejectionLimit } from '../../src/plan/rejection-limit';
import { OPERATIONS_OUTPUTS } from '../workspace';
import { memoryOperations, OPERATIONS, tableMetadata, TOPIC } from './memory-operations';

const BUCKET = OPERATIONS_OUTPUTS.schema_bucket;
const table = (rows: number): object =>
  tableMetadata({
    'total-data-files': '12',
    'total-files-size': '35000000',
    'total-delete-files': '0',
    'total-records': String(rows),
  });
const TABLES = {
  'acme_standardized.telemetry_climate': table(1_000),
  'acme_curated.telemetry_climate': table(900),
};
const LEDGER = [
  ['standardized', '500000', '5000.5'],
  ['curated', '400000', '10000'],
] as const;
const FIRST: JsonObject = withField('level', { type: 'number' }, topicSchema());
const BREAKING: JsonObject = { ...withField('level', { type: 'string' }, FIRST), 'x-version': 2 };
const REBUILD = ['topic', 'rebuild', TOPIC, '--from', 'standardized'];
const APPLY = ['--apply', '--reason', 'the sensor sends words now'];

async function world() {
  const all = memoryOperations({ tables: TABLES, ledger: LEDGER });
  const topic = TOPIC as TopicName;
  await all.operator.objects.put(BUCKET, schemaKeys.active(topic), JSON.stringify(FIRST));
  return all;
}

describe('topic rebuild', () => {
  it('shows what it reads and writes, how long it takes by the ledger, and what breaks', async () => {
    const { run, write, operations, operator } = await world();
    write("ada's next.json", BREAKING);
    const { code, output } = await run(...REBUILD, '--schema', "ada's next.json", '--max-rejected', '0.5%');
    expect(code).toBe(0);
    expect(output).toContain('Plan: rebuild telemetry.climate\n');
    expect(output).toContain('Curated: 900 rows in 12 files of 33.4 MiB');
    expect(output).not.toContain('Standardized: ');
    expect(output).toContain('version 1 becomes version 2: 1 change, 1 of them breaking');
    expect(output).toContain('BREAKING TYPE_CHANGED: the type of level changes from double to string');
    expect(output).toContain(
      'minutes   about 2, a guess by its fastest cycle, as no rebuild is on record; about $0.03 at 2 DPUs',
    );
    expect(output).toMatch(
      /--from standardized --schema 'ada'\\''s next\.json' --max-rejected 0\.5% --plan .*,schema=[0-9a-f]{12} --apply/,
    );
    expect(await operations()).toEqual([]);
    expect(await operator.objects.list(BUCKET, `schemas/${TOPIC}/operations/`)).toEqual([]);
  });

  it('puts the schema where the job finds it, builds before it holds the topic, and gives that back', async () => {
    const { run, write, operations, operator, locks, registryItem } = await world();
    write('next.json', BREAKING);
    const { code, output } = await run(...REBUILD, '--schema', 'next.json', '--max-rejected', '12', ...APPLY);
    expect([code, output]).toEqual([0, expect.stringContaining('is done: telemetry.climate is given back')]);
    const [operation] = await operations();
    const plan = operation?.['plan'] as Record<string, unknown>;
    expect(plan).toMatchObject({ from: 'standardized', activates: true, schema_version: 2, max_rejected: '12' });
    const stored = await operator.objects.get(BUCKET, String(plan['schema_key']));
    expect(JSON.parse(stored?.body ?? '')).toEqual(BREAKING);
    expect(await locks()).toEqual([]);
    expect(await registryItem()).not.toHaveProperty('activating');
  });

  it('is not stopped for a cancellation once it swaps, and says so', async () => {
    const { run, tick, documents, executions, operations } = await world();
    await run(...REBUILD, ...APPLY, '--detach');
    await tick();
    const [operation] = await operations();
    const id = operation?.['operation_id'] as string;
    const at = { operation_id: id };
    await documents.update(OPERATIONS, at, { set: { step: 'DRAINED', counts: { swapping: true } } });
    const { code, output } = await run('op', 'cancel', id);
    expect([code, output]).toEqual([1, expect.stringMatching(/^SWAPPING: .*it goes on to its end/)]);
    expect([...executions.values()].map(({ status }) => status)).toEqual(['RUNNING']);
    expect(await operations()).toEqual([expect.objectContaining({ state: 'RUNNING' })]);
  });

  it('allows as many rejected messages as the job does', () => {
    const file = path.resolve(__dirname, '../../../../tests/conformance/rejection_bounds.json');
    const bounds = JSON.parse(readFileSync(file, 'utf8')) as { text: string; judged: number; most: number }[];
    for (const { text, judged, most } of bounds) {
      const { allows } = parseRejectionLimit(text);
      expect([text, allows(most, judged), allows(most + 1, judged)]).toEqual([text, true, false]);
    }
  });

  it('rebuilds both layers from RAW under the active schema, which stays', async () => {
    const { run } = await world();
    const { code, output } = await run('topic', 'rebuild', TOPIC, '--from', 'raw', '--since', '2026-11-01');
    expect(code).toBe(0);
    expect(output).toContain('Standardized: 1000 rows');
    expect(output).toContain('events of RAW since 2026-11-01');
    expect(output).toContain(
      'drops     the rows of events that came before 2026-11-01: the tables have none of them then',
    );
    expect(output).toContain('schema    version 1, which is active');
    expect(output).not.toContain('activates');
  });

  it.each([
    ['a schema of another topic', { ...BREAKING, 'x-topic': 'other.topic' }, 'TOPIC_MISMATCH'],
    ['a version that is not newer', { ...BREAKING, 'x-version': 1 }, 'x-version is 1'],
  ])('refuses %s', async (_, text, why) => {
    const { run, write, operations } = await world();
    write('next.json', text);
    const { code, output } = await run(...REBUILD, '--schema', 'next.json', ...APPLY);
    expect([code, output]).toEqual([1, expect.stringMatching(/^SCHEMA_REFUSED: /)]);
    expect(output).toContain(why);
    expect(await operations()).toEqual([]);
  });

  it('is stale when another schema has become active since the plan', async () => {
    const { run, operator } = await world();
    const { output } = await run(...REBUILD);
    const [, plan = ''] = /--plan (\S+)/.exec(output) ?? [];
    await operator.objects.put(BUCKET, schemaKeys.active(TOPIC as TopicName), JSON.stringify(BREAKING));
    const applied = await run(...REBUILD, '--plan', plan, ...APPLY);
    expect([applied.code, applied.output]).toEqual([1, expect.stringMatching(/^PLAN_STALE: .*its active was/)]);
  });

  it('says which options go together, and that there is nothing to rebuild', async () => {
    const { run } = await world();
    await expect(run(...REBUILD, '--since', '1d')).resolves.toMatchObject({ code: 2 });
    const later = await run('topic', 'rebuild', TOPIC, '--from', 'raw', '--since', '2026-12-24');
    expect([later.code, later.error]).toEqual([2, expect.stringContaining('--since 2026-12-24 has not come yet')]);
    await expect(run('topic', 'rebuild', TOPIC)).resolves.toMatchObject({ code: 2 });
    const bare = memoryOperations({ tables: { 'acme_standardized.telemetry_climate': table(3) } });
    const { code, output } = await bare.run(...REBUILD);
    expect([code, output]).toEqual([1, expect.stringMatching(/^NO_TABLES: /)]);
    const unwritten = memoryOperations({
      tables: { ...TABLES, 'acme_curated.telemetry_climate': { 'format-version': 2, 'current-snapshot-id': -1 } },
    });
    await expect(unwritten.run(...REBUILD)).resolves.toMatchObject({
      code: 1,
      output: expect.stringMatching(/^NOTHING_TO_REBUILD: no cycle has written to the Curated table/),
    });
  });
});
