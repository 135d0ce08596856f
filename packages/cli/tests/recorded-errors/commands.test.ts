import { describe, expect, it } from '@jest/globals';
import type { Cloud } from '../../src/pipeline/aws-clients';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import { OUTPUTS, schema, workspace } from '../workspace';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const TOPIC = 'telemetry.climate';
const ACTIVE = `s3://acme-schemas/schemas/${TOPIC}/active/schema.json`;
const CLIMATE = `${JSON.stringify(schema(TOPIC, { 'x-version': 3 }), null, 2)}\n`;

type Row = readonly (string | null)[];

/** A row of topErrorsStatement's result; a test names what it varies. */
function group(changes: Readonly<Record<string, string | null>> = {}): Row {
  const row: Readonly<Record<string, string | null>> = {
    fingerprint: 'E1-3f0ac91b7d',
    layer: 'curated',
    topic: TOPIC,
    signature: 'level minimum',
    state: 'open',
    rows: '14',
    lost: '0',
    keys: '9',
    resolved: '0',
    outcomes: '',
    first: '2026-11-21 09:00:00.000000',
    last: '2026-11-23 11:45:00.123000',
    lastDay: '12',
    before: '2',
    fingerprints: '1',
    allRows: '14',
    topics: '1',
    hidden: '0',
    wanted: '1',
    noted: '0',
    ...changes,
  };
  return Object.values(row);
}

/** A row of errorSamplesStatement's result. */
function sample(changes: Readonly<Record<string, string | null>> = {}): Row {
  const row: Readonly<Record<string, string | null>> = {
    layer: 'curated',
    errorId: 'a1b2',
    messageId: 'm-1',
    key: 'dev-7|1',
    effect: 'nulled',
    version: '2',
    cycle: '20261123T114500Z-0a1b2c3d',
    received: null,
    detected: '2026-11-23 11:45:00.123000',
    resolved: null,
    outcome: null,
    said: '[{"column":"level","rule":"minimum","message":"is less than 0"}]',
    content: null,
    ...changes,
  };
  return Object.values(row);
}

interface Recorded {
  readonly groups?: readonly Row[];
  readonly samples?: readonly Row[];
  readonly objects?: Cloud['objects'];
}

/** A pipeline whose Athena has these answers; `asked` are the statements. */
function pipeline({ groups = [], samples = [], objects = memoryObjects({ [ACTIVE]: CLIMATE }) }: Recorded = {}) {
  const asked: string[] = [];
  const cloud: Cloud = {
    objects,
    documents: memoryDocuments({}),
    clock: fakeClock(NOW),
    athena: {
      execute: () => Promise.reject(new Error('errors changes nothing')),
      query: (sql) => {
        asked.push(sql);
        return Promise.resolve({ columns: [], rows: sql.includes('AS said') ? samples : groups });
      },
    },
    catalog: { getTable: () => Promise.reject(new Error('no table is looked up')) },
  };
  const files = workspace(() => cloud);
  files.write('lean-ops.json', OUTPUTS);
  return { ...files, asked };
}

describe('lean-ops errors top', () => {
  it('shows what is wrong with the most messages, by one query over both tables', async () => {
    const { run, asked } = pipeline({
      groups: [
        group({ state: 'regressed', resolved: '3', fingerprints: '5', allRows: '17', topics: '2' }),
        group({
          fingerprint: 'E1-00000000aa',
          layer: 'standardized',
          topic: 'water.meter',
          signature: 'INVALID_JSON',
          rows: '3',
          keys: '3',
          lastDay: '0',
        }),
      ],
    });
    const { code, output, error } = await run('errors', 'top');
    expect({ code, error }).toEqual({ code: 1, error: '' });
    expect(output).toMatchSnapshot();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('FROM "acme_ops"."errors"');
    expect(asked[0]).toContain('FROM "acme_ops"."parse_errors"');
  });

  it('takes a topic, a time, a state and a number', async () => {
    const { run, asked } = pipeline({ groups: [group({ state: 'resolved', rows: '0', allRows: '0' })] });
    const args = ['--topic', "o'clock", '--since', '2026-11-23T10:00', '--state', 'resolved', '--limit', '7'];
    const { code, output } = await run('errors', 'top', ...args);
    expect(code).toBe(0);
    expect(output).toMatch(
      /^Nothing is open of 1 fingerprint in 1 topic of o'clock, seen since 2026-11-23 10:00 UTC\./,
    );
    expect(asked[0]).toContain("WHERE topic_name = 'o''clock'");
    expect(asked[0]).toContain("last_seen >= TIMESTAMP '2026-11-23 10:00:00.000'");
    expect(asked[0]).toMatch(/state IN \('resolved'\)[^]* LIMIT 7$/);
    await run('errors', 'top', '--since', '2h');
    expect(asked[1]).toContain("last_seen >= TIMESTAMP '2026-11-23 10:00:00.000'");
  });

  it('ends with 0 where nothing is open, and has all of it for programs', async () => {
    await expect(pipeline().run('errors', 'top', '--topic', TOPIC)).resolves.toEqual({
      code: 0,
      output: `No open errors of ${TOPIC}.\n`,
      error: '',
    });
    const { code, output } = await pipeline({ groups: [group()] }).run('errors', 'top', '--format', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(output)).toMatchObject({
      state: 'open',
      fingerprints: 1,
      rows: 14,
      groups: [{ fingerprint: 'E1-3f0ac91b7d', keys: 9, firstSeen: '2026-11-21T09:00:00.000Z', outcomes: [] }],
    });
  });

  it('says which right is missing', async () => {
    const denied = Object.assign(new Error('User: x is not authorized'), { name: 'AccessDeniedException' });
    const { write, run } = workspace(() => ({
      ...({} as Cloud),
      objects: memoryObjects(),
      documents: memoryDocuments({}),
      clock: fakeClock(NOW),
      athena: { execute: () => Promise.reject(denied), query: () => Promise.reject(denied) },
    }));
    write('lean-ops.json', OUTPUTS);
    await expect(run('errors', 'top')).resolves.toMatchObject({
      code: 2,
      output: '',
      error: expect.stringContaining('not allowed: these credentials need athena:StartQueryExecution'),
    });
  });
});

describe('lean-ops errors show', () => {
  it('shows the numbers, the schema, and the newest messages without values', async () => {
    const { run, asked } = pipeline({
      groups: [group({ lost: '4', resolved: '3', outcomes: 'REBUILT:20261121T100000Z-rebuild-0a1b2c,REVALIDATED' })],
      samples: [
        sample(),
        sample({ messageId: 'm-2', resolved: '2026-11-21 10:00:00.000000', outcome: 'UNDONE:op', key: 'm-2' }),
      ],
    });
    const { code, output, error } = await run('errors', 'show', 'E1-3f0ac91b7d');
    expect({ code, error }).toEqual({ code: 1, error: '' });
    expect(output).toMatchSnapshot();
    expect(asked).toHaveLength(2);
    for (const sql of asked) expect(sql).toContain("WHERE fingerprint = 'E1-3f0ac91b7d'");
    expect(asked.join()).toContain('messages AS said, CAST(NULL AS varchar) AS shown');
  });

  it('shows values and records where they are asked for, and no control characters of theirs', async () => {
    const { run, asked } = pipeline({
      groups: [group()],
      samples: [
        sample({
          said: '[{"column":"level","rule":"minimum","value":"-\\u001b[2J1","message":"is less than 0"}]',
          content: `{"level":"${'9'.repeat(3_000)}"}`,
        }),
      ],
    });
    const { output } = await run('errors', 'show', 'E1-3f0ac91b7d', '--payload', '--limit', '1', '--topic', TOPIC);
    expect(output).toContain('    level minimum: "-\\u001b[2J1" is less than 0\n    {"level":"999');
    expect(output).toContain('… 1012 more characters: --format json has all\n');
    expect(output).not.toContain('\u001b');
    expect(asked.join()).toContain('content AS shown');
    const json = await run('errors', 'show', 'E1-3f0ac91b7d', '--payload', '--format', 'json');
    expect(JSON.parse(json.output)).toMatchObject({
      group: { state: 'open' },
      schema: { found: true, version: 3, rules: [{ column: 'level', state: 'stated', text: '"minimum": 0' }] },
      samples: [{ violations: [{ value: '-\u001b[2J1' }], detectedAt: '2026-11-23T11:45:00.123Z', resolvedAt: null }],
    });
  });

  it('explains a parse error, which no schema states', async () => {
    const { run } = pipeline({
      groups: [group({ layer: 'standardized', signature: 'INVALID_JSON', lost: '14' })],
      samples: [
        sample({
          layer: 'standardized',
          key: null,
          effect: 'unreadable',
          version: null,
          received: '2026-11-23 11:44:00.000000',
          said: 'line 1, column 2: no value',
        }),
      ],
    });
    const { code, output } = await run('errors', 'show', 'E1-3f0ac91b7d');
    expect(code).toBe(1);
    expect(output).toMatchSnapshot();
  });

  it.each([
    ['level maximum', ':15 (version 3, in force): it states no maximum of level any more'],
    ['depth minimum', ' (version 3, in force): it has no field depth any more'],
  ])('says of %s what the schema in force has of it', async (signature, said) => {
    const { run } = pipeline({ groups: [group({ signature })] });
    const { output } = await run('errors', 'show', 'E1-3f0ac91b7d', '--limit', '0');
    expect(output).toContain(`schema    schemas/${TOPIC}/active/schema.json${said}`);
  });

  it('shows the rest where the schema is not there, or not to be read', async () => {
    const resolved = group({ rows: '0', state: 'resolved' });
    const none = await pipeline({ groups: [resolved], objects: memoryObjects() }).run(
      'errors',
      'show',
      'E1-3f0ac91b7d',
    );
    expect(none).toMatchObject({ code: 0, output: expect.stringContaining('schema    no schema is in force\n') });
    const denied = Object.assign(new Error('no'), { name: 'AccessDenied' });
    const objects = { ...memoryObjects(), get: () => Promise.reject(denied) };
    const shut = await pipeline({ groups: [resolved], objects }).run('errors', 'show', 'E1-3f0ac91b7d');
    expect(shut).toMatchObject({
      code: 2,
      output: expect.stringContaining(
        'schema    not allowed: these credentials need s3:GetObject on s3://acme-schemas/',
      ),
    });
  });

  it('refuses what is no fingerprint, and one that nothing has', async () => {
    await expect(pipeline().run('errors', 'show', 'E2-3f0ac91b7d')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('must be a fingerprint such as E1-'),
    });
    await expect(pipeline().run('errors', 'show', 'E1-3f0ac91b7d', '--topic', 'a.b')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('no error of a.b has the fingerprint E1-3f0ac91b7d.'),
    });
  });
});
