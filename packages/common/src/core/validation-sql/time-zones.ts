/** The offsets of a time zone at the ends of the years that a timestamp may have. */

const DAY_SECONDS = 86_400;

/**
 * The seconds by which a zone's clocks are ahead of UTC at the start of year 1 and at the end of year 9999.
 *
 * @throws RangeError for a name that is no time zone
 */
export function offsetsAtTheEnds(zone: string): { readonly first: number; readonly last: number } {
  const early = new Date(Date.UTC(2000, 0, 15, 12));
  early.setUTCFullYear(1);
  return { first: offsetAt(zone, early), last: offsetAt(zone, new Date(Date.UTC(9999, 11, 15, 12))) };
}

function offsetAt(zone: string, at: Date): number {
  const [there, utc] = [clockIn(zone, at), clockIn('UTC', at)];
  return (there.day - utc.day) * DAY_SECONDS + there.seconds - utc.seconds;
}

/** The day of the month, and the seconds of the day, in the middle of a month. */
function clockIn(timeZone: string, at: Date): { readonly day: number; readonly seconds: number } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  return { day: part('day'), seconds: part('hour') * 3_600 + part('minute') * 60 + part('second') };
}
