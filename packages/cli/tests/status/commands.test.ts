import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { fakeClock, memoryArchive, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import { status } from '../../src/commands/status';
import type { Observer } from '../../src/pipeline/observer';
import { readWithin } from '../../src/status/reading';
import { OPERATED_OUTPUTS, workspace } from '../workspace';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const RAW = 's3://acme-lake/warehouse/acme_raw/events/metadata/1.metadata.json';

interface Pipeline {
  readonly letters?: readonly Document[];
  readonly alarms?: Observer['alarms'];
  readonly topics?: number;
}

/** A pipeline with nothing in it. A test names only what it varies. */
function pipeline({ letters = [], alarms = { firing: () => Promise.resolve([]) }, topics = 1 }: Pipeline = {}) {
  const documents = memoryDocuments({
    'acme-schema-registry': ['topic_name'],
    'acme-checkpoints': ['topic_name', 'layer'],
  });
  documents.seed('acme-schema-registry', ...Array.from({ length: topics }, (_, at) => ({ topic_name: `topic-${at}` })));
  const observer: Observer = {
    objects: memoryObjects({ [RAW]: '{"format-version":2,"current-snapshot-id":-1,"snapshots":[]}' }),
    documents,
    clock: fakeClock(NOW),
    athena: {
      execute: () => Promise.reject(new Error('status changes nothing')),
      query: () => Promise.resolve({ columns: [], rows: [] }),
    },
    catalog: { getTable: () => Promise.resolve({ metadataLocation: RAW, columns: [] }) },
    archive: memoryArchive(letters),
    alarms,
    metrics: { newestMaximum: () => Promise.resolve(undefined) },
    executions: { newest: () => Promise.resolve([]), failureOf: () => Promise.reject(new Error('none failed')) },
    queues: { depth: () => Promise.resolve({ waiting: 0, inFlight: 0 }) },
  };
  const files = workspace(undefined, () => observer);
  files.write('lean-ops.json', OPERATED_OUTPUTS);
  return { ...files, observer };
}

const letter = (changes: Document = {}): Document => ({
  topic_name: '_unknown',
  failed_at_message_id: '2026-11-23T11:00:00.000Z#7f3c',
  failed_at: '2026-11-23T11:00:00.000Z',
  error_code: 'NO_TOPIC',
  error_message: 'neither topic_name nor the attribute names a topic\u001b[2J',
  s3_key: 'dlq/_unknown/2026/11/23/7f3c.json',
  source_message_id: '7f3c',
  ...changes,
});

describe('lean-ops status', () => {
  it('exits with 0 when nothing is wrong, 1 when something is, and 2 when it could not look', async () => {
    await expect(pipeline().run('status')).resolves.toMatchObject({ code: 0, error: '' });
    await expect(pipeline({ letters: [letter()] }).run('status')).resolves.toMatchObject({ code: 1, error: '' });
    const denied = Object.assign(new Error('User: x is not authorized'), { name: 'AccessDenied' });
    const blind = await pipeline({ alarms: { firing: () => Promise.reject(denied) } }).run('status');
    expect(blind.code).toBe(2);
    expect(blind.output).toContain('COULD NOT LOOK\n  alarms: not allowed: these credentials need');
    expect(blind.output).toContain('cloudwatch:DescribeAlarms');
    expect(blind.output).toContain('topics        1 topic, all fresh (target 60 min)');
  });

  it('shows what the last run of a layer left behind', async () => {
    const { run, observer } = pipeline();
    const note = { topic_name: 'topic-0', since: '2026-11-23T10:30:00+00:00', cycle_id: 'c', error: 'SchemaError: x' };
    await observer.documents.put('acme-checkpoints', { topic_name: '*', layer: 'lease', owner: 'e' });
    await observer.documents.put('acme-checkpoints', {
      topic_name: '*',
      layer: 'raw',
      snapshot_id: '',
      behind: [note],
    });
    const { code, output } = await run('status');
    expect(code).toBe(1);
    expect(output).toContain('1 topic failed and is behind, past its target\n  topic-0: SchemaError: x\n');
    expect(output).toContain('topic-0  Standardized  10:30 (1 h 30 min)');
  });

  it('has the same for programs', async () => {
    const { output } = await pipeline({ letters: [letter()] }).run('status', '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      pipeline: 'acme',
      at: '2026-11-23T12:00:00.000Z',
      problems: [{ area: 'dead letters', next: 'lean-ops dlq list' }],
      unread: [],
    });
  });

  it('names every topic for programs, where people see ten', async () => {
    const { run, observer } = pipeline({ topics: 40 });
    const since = '2026-11-23T10:30:00+00:00';
    const behind = Array.from({ length: 40 }, (_, at) => ({
      topic_name: `topic-${at}`,
      since,
      cycle_id: 'c',
      error: 'x',
    }));
    await observer.documents.put('acme-checkpoints', { topic_name: '*', layer: 'raw', snapshot_id: '', behind });
    const { problems, readings } = JSON.parse((await run('status', '--format', 'json')).output) as {
      problems: { details: { rows: unknown[] } }[];
      readings: { progress: { value: { freshness: { behind: { topic: string; since: number }[] } } } };
    };
    expect(problems[0]?.details.rows).toHaveLength(11);
    expect(readings.progress.value.freshness.behind).toHaveLength(40);
    expect(readings.progress.value.freshness.behind[0]).toMatchObject({ topic: 'topic-0', since: Date.parse(since) });
  });

  it('looks again until it is interrupted, and clears a screen only', async () => {
    const { root, observer } = pipeline();
    let output = '';
    const terminal = {
      cwd: root,
      env: {},
      write: (text: string) => void (output += text),
      writeError: () => undefined,
      colour: false,
    };
    let looks = 0;
    const wait = (): Promise<boolean> => Promise.resolve((looks += 1) < 3);
    const options = { watch: true, format: 'text' } as const;
    await expect(status(options, { ...terminal, columns: undefined }, () => observer, wait)).resolves.toBe(0);
    expect(output.split('nothing is wrong')).toHaveLength(4);
    expect(output).not.toContain('\u001b');
    await status(
      { ...options },
      { ...terminal, columns: 80 },
      () => observer,
      () => Promise.resolve(false),
    );
    expect(output).toContain('\u001b[2J');
  });

  it('refuses a pause of no use, and says which outputs are missing', async () => {
    await expect(pipeline().run('status', '--watch', '1')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('--watch must be a whole number from 5 to 3600.'),
    });
    const old = pipeline();
    old.write('lean-ops.json', { ...OPERATED_OUTPUTS, freshness_targets: undefined });
    await expect(old.run('status')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('the output freshness_targets is missing'),
    });
  });

  it('does not count dead letters for longer than people wait', async () => {
    const at = (second: number) => `2026-11-23T11:00:${10 + second}.000Z`;
    const letters = Array.from({ length: 20 }, (_, n) =>
      letter({ failed_at: at(n), failed_at_message_id: `${at(n)}#${n}` }),
    );
    const { run, observer } = pipeline({ letters });
    const clock = fakeClock(NOW);
    const { archive } = observer;
    const page: Observer['archive']['page'] = (query) => {
      clock.pass(500);
      return archive.page(query);
    };
    Object.assign(observer, { clock, archive: { page } });
    const { code, output } = await run('status');
    expect(code).toBe(1);
    expect(output).toContain('more than 2 dead letters in the last day');
  });

  it('waits for no service longer than its limit', async () => {
    await expect(readWithin(5, new Promise(() => undefined))).resolves.toEqual({
      ok: false,
      problem: 'no answer within 0.005 s',
    });
  });
});

describe('lean-ops dlq list', () => {
  const firehose = letter({
    topic_name: 'telemetry.climate',
    failed_at: '2026-11-23T11:30:00.000Z',
    failed_at_message_id: '2026-11-23T11:30:00.000Z#firehose-0a-Iceberg.CommitFailed',
    error_code: 'Iceberg.CommitFailed',
    error_message: 'the commit failed',
    s3_key: 'firehose-errors/iceberg-failed/2026/11/23/11/x',
    source_message_id: '',
    origin: 'firehose',
    kind: 'records',
    records: 500,
  });
  const codes: Document = { topic_name: '_error_codes', failed_at_message_id: 'Iceberg.CommitFailed' };

  it('counts by reason, shows the newest, and says how to send them again', async () => {
    const { code, output, error } = await pipeline({ letters: [letter(), firehose, codes] }).run('dlq', 'list');
    expect({ code, error }).toEqual({ code: 1, error: '' });
    expect(output).toMatchSnapshot();
    expect(output).not.toContain('\u001b');
  });

  it('takes a topic, a reason, a time and a number, and says that there are none', async () => {
    const { run } = pipeline({ letters: [letter(), firehose, codes] });
    const list = async (...args: readonly string[]) => {
      const { code, output } = await run('dlq', 'list', '--format', 'json', ...args);
      return { exit: code, ...(JSON.parse(output) as { total: number; newest: object[] }) };
    };
    await expect(list('--topic', 'telemetry.climate')).resolves.toMatchObject({ exit: 1, total: 500 });
    await expect(list('--code', 'NO_TOPIC')).resolves.toMatchObject({ exit: 1, total: 1 });
    await expect(list('--since', '45m')).resolves.toMatchObject({ total: 500, newest: [expect.anything()] });
    await expect(list('--since', '2026-11-23', '--limit', '0')).resolves.toMatchObject({ total: 501, newest: [] });
    await expect(run('dlq', 'list', '--since', '10m')).resolves.toEqual({
      code: 0,
      output: 'No dead letters since 2026-11-23 11:50 UTC.\n',
      error: '',
    });
    await expect(run('dlq', 'list', '--since', 'yesterday')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('--since must be a span such as 30m'),
    });
  });
});
