import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NO_FILES, type TopicFiles } from '../src/pipeline/list-topics';
import { isWrong, schemaState, STUCK_AFTER_MS, worstFirst } from '../src/schemas/schema-state';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const at = (minutesAgo: number): Date => new Date(NOW - minutesAgo * 60_000);
const READY = { topic_name: 'a', status: 'READY', schema_version: 3, updated_at: '2026-11-23T09:00:00.000Z' };
const ERROR = { ...READY, status: 'ERROR', error_code: 'TYPE_CHANGED', error_message: 'the type changes' };
const ACTIVE: TopicFiles = { ...NO_FILES, active: true, since: { active: at(180) } };
const upload = (minutesAgo: number): TopicFiles => ({
  ...ACTIVE,
  pending: true,
  since: { ...ACTIVE.since, pending: at(minutesAgo) },
});

describe('schemaState', () => {
  it('says which version is active, and since when', () => {
    expect(schemaState('a', READY, ACTIVE, NOW)).toEqual({
      topic: 'a',
      state: 'ACTIVE',
      active: { version: 3, since: '2026-11-23T09:00:00.000Z' },
      pending: null,
      failed: null,
      operatorStatus: null,
    });
  });

  it('knows a topic without a schema, and a first upload', () => {
    expect(schemaState('a', undefined, NO_FILES, NOW)).toMatchObject({ state: 'NONE', active: null });
    const first = { ...upload(1), active: false };
    expect(schemaState('a', undefined, first, NOW)).toMatchObject({
      state: 'PENDING',
      active: null,
      pending: { since: '2026-11-23T11:59:00.000Z' },
    });
  });

  it('calls an upload stuck once no try can still be under way', () => {
    const limit = STUCK_AFTER_MS / 60_000;
    expect(schemaState('a', READY, upload(limit), NOW).state).toBe('PENDING');
    expect(schemaState('a', READY, upload(limit + 1), NOW).state).toBe('STUCK');
  });

  it('calls no upload stuck that waits for the release of its topic', () => {
    const held = { ...READY, status: 'MAINTENANCE', waiting_upload: { etag: 'e', sequencer: '2' } };
    const long = upload(STUCK_AFTER_MS / 60_000 + 1);
    expect(schemaState('a', held, long, NOW)).toMatchObject({
      state: 'PENDING',
      pending: { waitsForRelease: true },
      operatorStatus: 'MAINTENANCE',
    });
    expect(schemaState('a', { ...held, status: 'READY' }, long, NOW).state).toBe('STUCK');
  });

  it('tells the first problem of a refused upload, since the report was written, beside what stays in force', () => {
    const files = { ...ACTIVE, error: true, since: { ...ACTIVE.since, error: at(10) } };
    const failed = { code: 'TYPE_CHANGED', message: 'the type changes' };
    expect(schemaState('a', ERROR, files, NOW)).toMatchObject({
      state: 'FAILED',
      active: { version: 3 },
      failed: { ...failed, since: '2026-11-23T11:50:00.000Z' },
    });
    // Without the report the registry's time counts, which is that of the verdict.
    expect(schemaState('a', ERROR, ACTIVE, NOW).failed).toEqual({ ...failed, since: '2026-11-23T09:00:00.000Z' });
  });

  it('waits for the verdict on an upload that came after a refusal, but not on the one that was refused', () => {
    const refused = (pending: number): TopicFiles => ({
      ...upload(pending),
      error: true,
      since: { active: at(180), pending: at(pending), error: at(10) },
    });
    const later = schemaState('a', ERROR, refused(5), NOW);
    expect(later).toMatchObject({ state: 'PENDING', failed: { code: 'TYPE_CHANGED' } });
    expect(isWrong(later)).toBe(false);
    expect(schemaState('a', ERROR, refused(11), NOW).state).toBe('FAILED');
  });

  it('sees a refusal and an upload that an operator status would hide', () => {
    const held = { ...ERROR, status: 'MAINTENANCE' };
    expect(schemaState('a', held, ACTIVE, NOW)).toMatchObject({ state: 'FAILED', operatorStatus: 'MAINTENANCE' });
    expect(schemaState('a', held, upload(60), NOW)).toMatchObject({
      state: 'STUCK',
      failed: { code: ERROR.error_code },
    });
  });

  it('puts what is wrong first, then goes by topic', () => {
    const states = fc.array(
      fc
        .record({
          topic: fc.stringMatching(/^[a-z]{1,3}$/),
          item: fc.constantFrom(undefined, READY, ERROR),
          files: fc.constantFrom(NO_FILES, ACTIVE, upload(1), upload(60)),
        })
        .map(({ topic, item, files }) => schemaState(topic, item, files, NOW)),
    );
    fc.assert(
      fc.property(states, (list) => {
        const sorted = [...list].sort(worstFirst);
        const wrong = sorted.filter(isWrong).length;
        expect(sorted.slice(0, wrong).every(isWrong)).toBe(true);
        for (const name of ['STUCK', 'FAILED', 'PENDING', 'ACTIVE', 'NONE']) {
          const topics = sorted.filter(({ state }) => state === name).map(({ topic }) => topic);
          expect(topics).toEqual([...topics].sort());
        }
      }),
    );
  });
});
