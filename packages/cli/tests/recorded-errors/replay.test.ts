/** `lean-ops errors replay`, against a pipeline in memory whose operations run by the real transitions. */
import { describe, expect, it } from '@jest/globals';
import { schemaKeys, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { topicSchema, withField } from '@lean-ops/common/testing';
import {
  memoryOperations,
  tableMetadata,
  TOPIC,
  registered,
  type MemoryOptions,
} from '../operations/memory-operations';
import { OPERATIONS_OUTPUTS } from '../workspace';

const BUCKET = OPERATIONS_OUTPUTS.schema_bucket;
const SCHEMA: JsonObject = { ...withField('level', { type: 'number', maximum: 70 }, topicSchema()), 'x-version': 4 };
const CURATED = 'E1-3f0ac91b7d';
const UNREAD = 'E1-0000000001';
const UNTIL = '2026-11-30T06:25:00.000Z';
const TABLES = { 'acme_curated.telemetry_climate': tableMetadata({}) };

/** A row of selectionStatement's result. */
const cause = (
  fingerprint: string,
  signature: string,
  rows: number,
  changes: { gone?: number; topic?: string } = {},
) => [
  fingerprint,
  signature === 'INVALID_JSON' || signature === 'TOPIC_COLLISION' ? 'standardized' : 'curated',
  changes.topic ?? TOPIC,
  signature,
  String(rows),
  String(rows),
  String(changes.gone ?? 0),
];
const CAUSES = [cause(CURATED, 'level maximum', 20, { gone: 2 }), cause(UNREAD, 'INVALID_JSON', 4)];

/** A result of the statement that judges, which numbers the rules. */
const verdict = (sql: string) => {
  const [, rule = ''] = /> DOUBLE '70' THEN '(\d+)\|'/.exec(sql) ?? [];
  return [
    ['rows', '18', null, '18', '0'],
    ['rejected', '3', null, '3', null],
    ['nulled', '2', null, '2', null],
    [rule, '3', null, '3', null],
    [`clean rejected latest ${CURATED}`, '8', null, '8', null],
    [`clean nulled latest ${CURATED}`, '2', null, '2', null],
    [`clean rejected superseded ${CURATED}`, '3', null, '3', null],
    [`rejected rejected superseded ${CURATED}`, '3', null, '3', null],
    [`nulled rejected latest ${CURATED}`, '2', null, '2', null],
  ];
};

async function world(
  options: MemoryOptions & { readonly causes?: typeof CAUSES; readonly schema?: JsonObject | null } = {},
) {
  const { causes = CAUSES, schema = SCHEMA, ...rest } = options;
  const all = memoryOperations({
    tables: TABLES,
    answer: (sql) =>
      sql.includes('AS disposition FROM')
        ? verdict(sql)
        : sql.includes('count(DISTINCT message_id)')
          ? causes
          : undefined,
    replayed: {
      selected: 20,
      replayed: 10,
      superseded: 3,
      failing: 5,
      gone: 2,
      parse_selected: 4,
      parse_replayed: 1,
      parse_failing: 3,
    },
    ...rest,
  });
  if (schema !== null) {
    await all.operator.objects.put(BUCKET, schemaKeys.active(TOPIC as TopicName), JSON.stringify(schema));
  }
  return all;
}

describe('errors replay', () => {
  it('shows what becomes of the rows under the schema in force, and how to do exactly that', async () => {
    const { run, queries, operations } = await world();
    const { code, output } = await run('errors', 'replay', CURATED, UNREAD);
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
      "Plan: replay telemetry.climate
        now       READY, epoch 3
        errors    24 open rows of 24 messages, of 2 fingerprints, found until 2026-11-30 06:25 UTC
        schema    version 4, which is active
        valid     10 rows: their messages come into Curated; 2 of them are there without a value, and get it
        newer     3 rows, valid too: Curated has or gets a newer version of the record
        failing   5 rows: 3 rejected, 2 with a value that becomes NULL; they stay open
                  level maximum: 3 rows
        gone      2 rows without a record that can be read: they stay open
        unread    INVALID_JSON: 4 rows of 4 messages, read from RAW again by the flattener of today
        undo      none: a rewind to a point before it takes it back, and opens the errors again
        meanwhile MAINTENANCE, epoch 4: cycles, table-provisioner and schema uploads leave
                  telemetry_climate alone, in both layers; RAW and cycle_delta take its events
        then      READY, epoch 4; the next cycle takes what has come
        drained   at once: no cycle runs
      Nothing was changed. To do it:
        lean-ops errors replay E1-3f0ac91b7d E1-0000000001 --topic telemetry.climate --until 2026-11-30T06:25:00.000Z --plan epoch=3,status=READY,hold=none,rows=20,parse_rows=4,schema=4,valid=10 --apply --reason TEXT
      "
    `);
    expect(queries).toHaveLength(2);
    expect(queries[0]).toContain(`fingerprint IN ('${CURATED}', '${UNREAD}')`);
    expect(queries[1]).toContain('LEFT JOIN "acme_curated"."telemetry_climate" c');
    expect(await operations()).toEqual([]);
  });

  it('does what was planned, and tells what the job has counted', async () => {
    const { run, operations, locks } = await world();
    const plan = `epoch=3,status=READY,hold=none,rows=20,parse_rows=4,schema=4,valid=10`;
    const words = [
      '--topic',
      TOPIC,
      '--until',
      UNTIL,
      '--plan',
      plan,
      '--apply',
      '--reason',
      'the maximum was too low',
    ];
    const { code, output } = await run('errors', 'replay', CURATED, UNREAD, ...words);
    expect(code).toBe(0);
    expect(output).toContain(
      'the tables are done: 11 errors replayed, 3 superseded by newer versions, 8 wrong as before, 2 without a record that could be read',
    );
    const [operation] = await operations();
    expect(operation).toMatchObject({ kind: 'replay', state: 'DONE', reason: 'the maximum was too low' });
    expect(operation?.['plan']).toEqual({
      topic: TOPIC,
      table_name: 'telemetry_climate',
      epoch: 3,
      status: 'READY',
      held: false,
      fingerprints: [CURATED, UNREAD],
      causes: [
        { layer: 'curated', signature: 'level maximum' },
        { layer: 'standardized', signature: 'INVALID_JSON' },
      ],
      until: UNTIL,
      rows: 20,
      parse_rows: 4,
      gone: 2,
      schema_version: 4,
      valid: 10,
      restored: 2,
      superseded: 3,
      failing: 5,
      failing_rules: [{ column: 'level', rule: 'maximum', rows: 3 }],
    });
    expect(await locks()).toEqual([]);
  });

  it('selects by topic, id and time, and puts on record what it was asked for', async () => {
    const { run, queries } = await world();
    const asked = [
      '--topic',
      TOPIC,
      '--error-id',
      'a1',
      'b2',
      '--since',
      '2h',
      '--until',
      '2026-11-30T06:00',
      '--format',
      'json',
    ];
    const { code, output } = await run('errors', 'replay', ...asked);
    expect(code).toBe(0);
    expect(queries[0]).toContain("error_id IN ('a1', 'b2')");
    expect(queries[0]).toContain("detected_at >= TIMESTAMP '2026-11-30 04:25:00.000'");
    expect(queries[0]).toContain("detected_at <= TIMESTAMP '2026-11-30 06:00:00.000'");
    expect(queries[0]).toContain(`WHERE topic_name = '${TOPIC}'`);
    const { plan } = JSON.parse(output) as { plan: Readonly<Record<string, unknown>> };
    expect(plan).toMatchObject({
      error_ids: ['a1', 'b2'],
      since: '2026-11-30T04:25:00.000Z',
      until: '2026-11-30T06:00:00.000Z',
    });
    expect(plan).not.toHaveProperty('causes');
  });

  it.each([
    [
      'other rows are open',
      { causes: [cause(CURATED, 'level maximum', 21, { gone: 2 }), cause(UNREAD, 'INVALID_JSON', 4)] },
      'its rows was 20 and is 21',
    ],
    ['another version is active', { schema: { ...SCHEMA, 'x-version': 5 } }, 'its schema was 4 and is 5'],
    ['the topic was held since', { items: [registered({ epoch: 4 })] }, 'its epoch was 3 and is 4'],
  ])('is stale where %s', async (_, options, said) => {
    const { run, operations } = await world(options);
    const plan = `epoch=3,status=READY,hold=none,rows=20,parse_rows=4,schema=4,valid=10`;
    const { code, output } = await run('errors', 'replay', CURATED, '--plan', plan, '--apply', '--reason', 'r');
    expect([code, output]).toEqual([
      1,
      expect.stringContaining(`PLAN_STALE: ${TOPIC} has changed since the plan was made: ${said}`),
    ]);
    expect(output).toContain(`next: lean-ops errors replay ${CURATED} --topic ${TOPIC} --until ${UNTIL}`);
    expect(await operations()).toEqual([]);
  });

  it('reads what could not be read again, without a schema', async () => {
    const { run, queries } = await world({ schema: null, causes: [cause(UNREAD, 'TOPIC_COLLISION', 4)] });
    const { code, output } = await run('errors', 'replay', UNREAD);
    expect(code).toBe(0);
    expect(output).toContain('schema    none is active: only what could not be read is tried\n');
    expect(output).toContain(
      'unread    TOPIC_COLLISION: 4 rows of 4 messages, read from RAW: the table belongs to the topic now\n',
    );
    expect(queries).toHaveLength(1);
  });

  it('takes messages of a topic whose name collided under its new name', async () => {
    const old = 'telemetry_climate';
    const causes = [cause(UNREAD, 'TOPIC_COLLISION', 4, { topic: old }), cause(CURATED, 'a type', 9, { topic: old })];
    const { run, operations } = await world({ causes });
    const words = ['errors', 'replay', '--topic', old, '--topic-as', TOPIC];
    const { code, output } = await run(...words, '--until', UNTIL);
    expect(code).toBe(0);
    expect(output).toContain(`takes     them as messages of ${TOPIC}, which name ${old}\n`);
    expect(output).toContain(`  lean-ops errors replay --topic ${old} --topic-as ${TOPIC} --until ${UNTIL}`);
    await run(...words, '--apply', '--reason', 'it has a name of its own now', '--detach');
    expect(await operations()).toMatchObject([
      {
        topic: TOPIC,
        plan: {
          from_topic: old,
          causes: [{ layer: 'standardized', signature: 'TOPIC_COLLISION' }],
          rows: 0,
          parse_rows: 4,
        },
      },
    ]);
  });

  it.each([
    ['nothing that was asked for is open', { causes: [] }, [CURATED], 'NOTHING_TO_REPLAY'],
    ['nothing of the topic is open', { causes: [] }, ['--topic', TOPIC], 'NOTHING_TO_REPLAY'],
    [
      'no schema can judge the rows',
      { schema: null, causes: [cause(CURATED, 'level maximum', 2)] },
      [CURATED],
      'NOTHING_TO_REPLAY',
    ],
    ['the active schema is not one of today', { schema: { type: 'object' } }, [CURATED], 'SCHEMA_REFUSED'],
    [
      "the table is another topic's",
      { items: [registered(), { topic_name: 'table#telemetry_climate', owner: 'telemetry_climate' }] },
      [CURATED],
      'TOPIC_COLLISION',
    ],
  ])('is refused where %s', async (_, options, words, code) => {
    const { run } = await world(options);
    const ran = await run('errors', 'replay', ...words, '--format', 'json');
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.output)).toMatchObject({ refusal: { code } });
    expect((await run('errors', 'replay', ...words)).output).toContain(`${code}: `);
  });

  it.each([
    ['no selector', [], 'say which errors'],
    ['what is no fingerprint', ['E1-xyz'], 'E1-xyz is no fingerprint'],
    ['a wrong time', [CURATED, '--until', 'noon'], 'must be a time such as'],
    ['new name without the old one', [CURATED, '--topic-as', TOPIC], 'say by --topic which name'],
    ['--apply without a reason', [CURATED, '--apply'], '--apply needs --reason'],
  ])('takes no %s', async (_, words, said) => {
    const { run, queries } = await world();
    const { code, error } = await run('errors', 'replay', ...words);
    expect([code, error]).toEqual([2, expect.stringContaining(said)]);
    expect(queries).toEqual([]);
  });

  it('is of one topic, and names those of several', async () => {
    const { run } = await world({ causes: [...CAUSES, cause('E1-00000000ff', 'a type', 1, { topic: 'tank.level' })] });
    const { code, error } = await run('errors', 'replay', CURATED, 'E1-00000000ff');
    expect(code).toBe(2);
    expect(error).toContain(
      `these errors are of 2 topics, and a replay is of one: tank.level (E1-00000000ff); ${TOPIC} (${CURATED}, ${UNREAD})`,
    );
  });

  it('is not undone', async () => {
    const { run, operations } = await world({ tables: TABLES });
    await run('errors', 'replay', CURATED, '--apply', '--reason', 'r');
    const [operation] = await operations();
    const { code, output } = await run('topic', 'undo', operation?.['operation_id'] as string);
    expect([code, output]).toEqual([1, expect.stringContaining('a replay is not undone: rewind the topic')]);
  });
});
