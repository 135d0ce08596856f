import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Document } from '../../../src/core/condition';
import {
  freshnessOf,
  readFreshnessTargets,
  unbalancedTopics,
  type FreshnessFacts,
} from '../../../src/core/warehouse/freshness';
import type { TableSnapshots } from '../../../src/core/warehouse/iceberg-metadata';
import { readSnapshots } from './read-snapshots';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const minutesAgo = (minutes: number): number => NOW - minutes * 60_000;
const isoAgo = (minutes: number): string => new Date(minutesAgo(minutes)).toISOString();

/** RAW with one append for each age in minutes, the oldest first; the ids are 1, 2, … */
function rawCommitted(...ages: readonly number[]): TableSnapshots {
  const snapshots = ages.map((age, index) => ({
    'snapshot-id': index + 1,
    ...(index > 0 && { 'parent-snapshot-id': index }),
    'timestamp-ms': minutesAgo(age),
    summary: { operation: 'append', 'added-records': '10' },
  }));
  return readSnapshots(
    JSON.stringify({ 'format-version': 2, 'current-snapshot-id': ages.length === 0 ? -1 : ages.length, snapshots }),
  );
}

const run = (layer: 'raw' | 'curated', snapshot: string, more: Document = {}): Document => ({
  topic_name: '*',
  layer,
  snapshot_id: snapshot,
  cycle_id: 'c',
  ...more,
});
const topic = (name: string, more: Document = {}): Document => ({ topic_name: name, ...more });
const enabled = { processing_enabled: true };

function fresh(facts: Partial<FreshnessFacts>) {
  return freshnessOf({
    now: NOW,
    snapshots: rawCommitted(),
    checkpoints: [],
    registry: [topic('a'), topic('b')],
    targets: { defaultMinutes: 60, topicMinutes: {} },
    ...facts,
  });
}

describe('freshnessOf', () => {
  it('is 0 when every layer has taken all of RAW, however long ago that was', () => {
    const snapshots = rawCommitted(9_000, 8_000);
    const checkpoints = [run('raw', '2'), run('curated', '2')];
    expect(fresh({ snapshots, checkpoints, registry: [topic('a', enabled)] })).toEqual({
      waiting: [],
      behind: [],
      released: [],
      late: [],
      oldestMinutes: 0,
      topicMinutes: {},
    });
  });

  it('counts from the first commit that no run has taken, for every topic, as each file may have events of all', () => {
    const { waiting, oldestMinutes, late } = fresh({
      snapshots: rawCommitted(200, 90, 30),
      checkpoints: [run('raw', '1')],
    });
    expect(waiting).toEqual([{ layer: 'standardized', since: minutesAgo(90), records: 20 }]);
    expect(oldestMinutes).toBe(90);
    expect(late.map(({ topic: name }) => name)).toEqual(['a', 'b']);
  });

  it('counts what waits before the first cycle', () => {
    expect(fresh({ snapshots: rawCommitted(70) })).toMatchObject({ oldestMinutes: 70 });
    expect(fresh({ snapshots: rawCommitted(70), registry: [] })).toMatchObject({ oldestMinutes: 70, late: [] });
  });

  it('holds each topic to its own target', () => {
    const facts = { snapshots: rawCommitted(45), targets: { defaultMinutes: 60, topicMinutes: { b: 30, quiet: 10 } } };
    expect(fresh(facts)).toMatchObject({
      late: [{ topic: 'b', targetMinutes: 30 }],
      topicMinutes: { b: 45, quiet: 0 },
    });
  });

  it('counts a topic that a run left behind by its own oldest event, with the error', () => {
    const behind = [{ topic_name: 'b', since: isoAgo(120), cycle_id: '20261123T100000Z-1', error: 'SchemaError: x' }];
    const found = fresh({ snapshots: rawCommitted(130), checkpoints: [run('raw', '1', { behind })] });
    expect(found).toMatchObject({
      waiting: [],
      behind: [{ topic: 'b', layer: 'standardized', cycleId: '20261123T100000Z-1', error: 'SchemaError: x' }],
      late: [{ topic: 'b', layer: 'standardized', since: minutesAgo(120) }],
      oldestMinutes: 120,
      topicMinutes: { b: 120 },
    });
  });

  it('counts Curated for topics with a schema only, and not for those that an operator holds', () => {
    const registry = [
      topic('a', enabled),
      topic('b', { ...enabled, status: 'MAINTENANCE' }),
      topic('c'),
      { topic_name: 'table#a', owner: 'a' },
    ];
    const behind = [{ topic_name: 'b', since: isoAgo(500), cycle_id: 'c', error: 'x' }];
    const found = fresh({
      snapshots: rawCommitted(200, 90),
      checkpoints: [run('raw', '2'), run('curated', '1', { behind })],
      registry,
    });
    expect(found.late).toEqual([{ topic: 'a', layer: 'curated', since: minutesAgo(90), targetMinutes: 60 }]);
    expect(found.behind).toEqual([]);
    const nobody = fresh({
      snapshots: rawCommitted(200, 90),
      checkpoints: [run('raw', '2'), run('curated', '1')],
      registry: [topic('c')],
    });
    expect(nobody.oldestMinutes).toBe(0);
  });

  it('counts a held topic in neither layer, whether people or DDL hold it', () => {
    const registry = [
      topic('a', { status: 'MAINTENANCE' }),
      topic('b', { ddl: { by: '1', since: '', expires_at: NOW / 1_000 + 60 } }),
      topic('c', { ddl: { by: '1', since: '', expires_at: NOW / 1_000 - 60 } }),
    ];
    const note = (name: string) => ({ topic_name: name, since: isoAgo(300), cycle_id: 'c', error: 'x' });
    const found = fresh({
      snapshots: rawCommitted(200, 90),
      checkpoints: [run('raw', '1', { behind: [note('a')], held: [note('b')] })],
      registry,
    });
    expect(found.behind).toEqual([]);
    expect(found.late.map(({ topic: name }) => name)).toEqual(['c']);
  });

  it('counts a released topic from the first event that it did not take, and a failed one once', () => {
    const note = (name: string, minutes: number) => ({ topic_name: name, since: isoAgo(minutes), cycle_id: 'c' });
    const behind = [{ ...note('b', 100), error: 'DELTA_GONE' }];
    const held = [note('a', 120), note('b', 100)];
    const found = fresh({
      snapshots: rawCommitted(200),
      checkpoints: [run('raw', '1', { behind, held })],
      registry: [topic('a'), topic('b')],
    });
    expect(found.late.map(({ topic: name, since }) => [name, since])).toEqual([
      ['a', minutesAgo(120)],
      ['b', minutesAgo(100)],
    ]);
    expect(found.behind.map(({ topic: name }) => name)).toEqual(['b']);
    expect(found.released).toEqual([{ topic: 'a', layer: 'standardized', since: minutesAgo(120), cycleId: 'c' }]);
    expect(found.topicMinutes).toEqual({ a: 120, b: 100 });
  });

  it('counts what waited for a release from the release on, also when the topic fails after it', () => {
    const note = (name: string) => ({ topic_name: name, since: isoAgo(500), cycle_id: 'c' });
    const behind = [{ ...note('b'), error: 'DELTA_GONE' }];
    const facts = {
      snapshots: rawCommitted(600),
      checkpoints: [run('raw', '1', { behind, held: [note('a')] })],
      registry: [topic('a', { released_at: isoAgo(10) }), topic('b', { released_at: isoAgo(20) })],
    };
    const found = fresh(facts);
    expect(found.late).toEqual([]);
    expect([found.oldestMinutes, found.topicMinutes]).toEqual([20, { a: 10, b: 20 }]);
    expect(found.released).toMatchObject([{ topic: 'a', since: minutesAgo(500) }]);
    expect(fresh({ ...facts, now: NOW + 51 * 60_000 }).late.map(({ topic: name }) => name)).toEqual(['b', 'a']);
  });

  it('counts an event that came after the release from when it came', () => {
    const held = [{ topic_name: 'a', since: isoAgo(30), cycle_id: 'c' }];
    const registry = [topic('a', { released_at: isoAgo(300) })];
    const found = fresh({ snapshots: rawCommitted(600), checkpoints: [run('raw', '1', { held })], registry });
    expect(found.topicMinutes).toEqual({ a: 30 });
  });

  it('counts a note without a time from the run that wrote it', () => {
    const held = [{ topic_name: 'a', since: '', cycle_id: '0' }];
    const checkpoints = [run('raw', '1'), run('curated', '1', { held, updated_at: isoAgo(70) })];
    expect(fresh({ snapshots: rawCommitted(200), checkpoints }).late).toMatchObject([{ topic: 'a', layer: 'curated' }]);
  });

  it('never grows by a run that takes more, and grows by exactly the time that passes', () => {
    const history = fc.record({
      ages: fc
        .array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 8 })
        .map((ages) => ages.sort((a, b) => b - a)),
      taken: fc.nat(8),
      more: fc.nat(8),
      passed: fc.nat(1_000),
    });
    fc.assert(
      fc.property(history, ({ ages, taken, more, passed }) => {
        const snapshots = rawCommitted(...ages);
        const upTo = (count: number): Document[] => [
          run('raw', count === 0 ? '' : String(Math.min(count, ages.length))),
        ];
        const before = fresh({ snapshots, checkpoints: upTo(taken) });
        expect(before.oldestMinutes).toBe(taken >= ages.length ? 0 : ages[taken]);
        expect(fresh({ snapshots, checkpoints: upTo(taken + more) }).oldestMinutes).toBeLessThanOrEqual(
          before.oldestMinutes,
        );
        const later = fresh({ snapshots, checkpoints: upTo(taken), now: NOW + passed * 60_000 });
        expect(later.oldestMinutes).toBe(before.oldestMinutes === 0 ? 0 : before.oldestMinutes + passed);
      }),
    );
  });
});

describe('unbalancedTopics', () => {
  it('gives those of both layers, the newest first', () => {
    const note = (name: string, minutes: number) => ({
      topic_name: name,
      since: isoAgo(minutes),
      cycle_id: 'c',
      error: 'LEDGER_UNBALANCED: …',
    });
    const checkpoints = [
      run('raw', '1', { unbalanced: [note('a', 30)] }),
      run('curated', '1', { unbalanced: [note('b', 10)] }),
    ];
    expect(unbalancedTopics(checkpoints).map(({ topic: name, layer }) => [name, layer])).toEqual([
      ['b', 'curated'],
      ['a', 'standardized'],
    ]);
  });
});

describe('readFreshnessTargets', () => {
  it('reads what Terraform writes, and nothing else', () => {
    expect(readFreshnessTargets({ default: 60, topics: { 'a.b': 30 } })).toEqual({
      defaultMinutes: 60,
      topicMinutes: { 'a.b': 30 },
    });
    for (const wrong of [undefined, 60, {}, { default: 0, topics: {} }, { default: 60, topics: { a: '30' } }]) {
      expect(readFreshnessTargets(wrong)).toBeUndefined();
    }
  });
});
