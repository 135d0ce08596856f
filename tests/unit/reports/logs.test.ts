import { expect, it } from '@jest/globals';
import { newEvents } from '../../../scripts/local/reports/logs';

const event = (timestamp: number, message: string, logStreamName = 'one') => ({ timestamp, message, logStreamName });
const messages = (events: readonly { message?: string | undefined }[]): (string | undefined)[] =>
  events.map(({ message }) => message);

it('gives each event once, also where new ones have the time of the last', () => {
  const log = newEvents();
  expect(messages(log.of([event(1, 'START'), event(1, 'END'), event(2, 'START')]))).toEqual(['START', 'END', 'START']);
  expect(log.from()).toBe(2);
  expect(log.of([event(2, 'START')])).toEqual([]);
  expect(messages(log.of([event(2, 'START'), event(2, 'END'), event(2, 'START', 'two')]))).toEqual(['END', 'START']);
  expect(log.of([])).toEqual([]);
  expect(log.of([event(2, 'START'), event(2, 'END'), event(2, 'START', 'two')])).toEqual([]);
  expect(messages(log.of([event(3, 'START')]))).toEqual(['START']);
});
