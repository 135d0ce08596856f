import { InvalidArgumentError } from 'commander';
import { CliError } from '../../errors';
import { parseSince, utcTime, type Since } from '../since';

/** When a hold should be over: a span from now, or a time. */
export type Until = Since;

/** An option parser for `30m`, `12h`, `2d`, or a time such as `2026-12-01T06:00`, in UTC. */
export function parseUntil(text: string): Until {
  try {
    return parseSince(text);
  } catch {
    throw new InvalidArgumentError('must be a span such as 30m, 12h or 2d, or a time such as 2026-12-01T06:00 (UTC).');
  }
}

/**
 * The time as ISO 8601 in UTC.
 *
 * @throws CliError for a time that has passed
 */
export function untilIso(until: Until, now: number): string {
  const at = 'agoMs' in until ? now + until.agoMs : (utcTime(until.from) ?? now);
  if (at <= now) throw new CliError(`--until ${new Date(at).toISOString()} has passed.`);
  return new Date(at).toISOString();
}
