import { describe, expect, it } from '@jest/globals';
import { topicOf } from '../../scripts/local/send';
import { simulateDay } from '../../scripts/simulator/fleet';

const day = (number: 1 | 2, seed = 42): ReturnType<typeof simulateDay> =>
  simulateDay({ seed, day: number, events: 4000, start: new Date('2026-11-02T00:00:00Z') });
const idsOf = (messages: ReturnType<typeof simulateDay>): string[] =>
  messages.map((m) => /"message_id":"([^"]+)"/.exec(m.body)?.[1] ?? '');

describe('simulateDay', () => {
  it('makes the same day from the same seed and another from another', () => {
    expect(day(1)).toEqual(day(1));
    expect(day(1, 43)).not.toEqual(day(1));
  });

  it('has at least 12 topics, copies, corrections and payloads that are not JSON', () => {
    const messages = day(1);
    expect(new Set(messages.map((m) => m.expectedTopic)).size).toBeGreaterThanOrEqual(13);
    const ids = idsOf(messages).filter((id) => id !== '');
    expect(ids.length).toBeGreaterThan(new Set(ids).size);
    expect(ids.some((id) => id.endsWith('-c'))).toBe(true);
    expect(messages.some((m) => m.topic === 'water.meter' && !m.body.startsWith('{'))).toBe(true);
  });

  it('knows of each message whose it is, those that were cut off included', () => {
    const messages = [...day(1), ...day(2)];
    expect(messages.map(topicOf)).toEqual(messages.map((m) => m.expectedTopic));
    expect(messages.filter((m) => m.body.startsWith('{') && !m.body.endsWith('}')).length).toBeGreaterThan(10);
  });

  it('drifts and violates schemas only on Day 2', () => {
    expect(day(1).some((m) => m.body.includes('co2_ppm') || m.body.includes('999.5'))).toBe(false);
    expect(day(2).some((m) => m.body.includes('co2_ppm'))).toBe(true);
    expect(day(2).some((m) => m.body.includes('999.5'))).toBe(true);
  });

  it('does not send one message id in two meanings over the days', () => {
    const first = new Set(idsOf(day(1)));
    expect(idsOf(day(2)).filter((id) => id !== '' && first.has(id))).toEqual([]);
  });
});
