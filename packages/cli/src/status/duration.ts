const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in a few characters, rounded down: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function durationText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.floor(ms / 1_000)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return twoUnits(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return twoUnits(Math.floor(ms / DAY), 'd', Math.floor((ms % DAY) / HOUR), 'h');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A time of today as `10:05`, another one as `2026-11-23 10:05`; both in UTC. What is no time is an empty text. */
export function timeText(at: number, now: number): string {
  if (Number.isNaN(new Date(at).getTime())) return '';
  const [day = '', time = ''] = new Date(at).toISOString().split('T');
  const clock = time.slice(0, 5);
  return new Date(now).toISOString().startsWith(day) ? clock : `${day} ${clock}`;
}

/** When something began, and how long ago: `since 10:05 (12 min)`. */
export function sinceText(at: number, now: number): string {
  return `since ${timeText(at, now)} (${durationText(now - at)})`;
}
