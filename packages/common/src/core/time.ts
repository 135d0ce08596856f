/**
 * A time as integer microseconds since 1970-01-01T00:00:00Z. It is a bigint, as from the year 2255 on microseconds pass
 * 2^53, where a number rounds.
 */
export type Micros = bigint;

export type TimeResult =
  | { readonly ok: true; readonly micros: Micros }
  | { readonly ok: false; readonly code: 'INVALID_TIME' | 'TIME_OUT_OF_RANGE'; readonly message: string };

/**
 * 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z, the range that every reader of the tables can hold, Python's
 * datetime too.
 */
export const MIN_MICROS: Micros = -62_135_596_800_000_000n;
export const MAX_MICROS: Micros = 253_402_300_799_999_999n;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const INVALID: TimeResult = {
  ok: false,
  code: 'INVALID_TIME',
  message: 'not an RFC 3339 time with an offset, such as 2026-11-23T10:00:00Z or 2026-11-23T10:00:00.123456+01:00',
};
const OUT_OF_RANGE: TimeResult = {
  ok: false,
  code: 'TIME_OUT_OF_RANGE',
  message: 'outside 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z',
};

/** The digit at `index`, or NaN: arithmetic with it stays NaN, and every comparison with NaN is false. */
function digit(text: string, index: number): number {
  const value = text.charCodeAt(index) - 48;
  return value >= 0 && value <= 9 ? value : NaN;
}

function twoDigits(text: string, index: number): number {
  return digit(text, index) * 10 + digit(text, index + 1);
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that a leap day comes
 * last.
 */
function epochDays(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/**
 * Reads the fraction of a second that starts at `index`. Digits past the sixth are cut off; undefined without a digit.
 */
function readFraction(text: string, index: number): { readonly micros: number; readonly end: number } | undefined {
  let micros = 0;
  let scale = 100_000;
  let end = index;
  for (let value = digit(text, end); !Number.isNaN(value); value = digit(text, ++end)) {
    micros += value * scale;
    scale = Math.floor(scale / 10);
  }
  return end === index ? undefined : { micros, end };
}

/** Seconds by which the offset from `index` to the end of the text is ahead of UTC; undefined for what is no offset. */
function readOffset(text: string, index: number): number | undefined {
  const sign = text.charAt(index);
  if (sign === 'Z' || sign === 'z') return index + 1 === text.length ? 0 : undefined;
  if ((sign !== '+' && sign !== '-') || text.length !== index + 6 || text.charAt(index + 3) !== ':') return undefined;
  const hours = twoDigits(text, index + 1);
  const minutes = twoDigits(text, index + 4);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/**
 * Reads a date-time of RFC 3339, §5.6. `t`, `z` and a space for `T` are allowed, as §5.6 notes; a leap second counts as
 * the second after it; a fraction finer than a microsecond is cut, which keeps the order of times.
 */
export function parseTime(text: string): TimeResult {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const separator = text.charAt(10);
  if (
    text.charAt(4) !== '-' ||
    text.charAt(7) !== '-' ||
    (separator !== 'T' && separator !== 't' && separator !== ' ') ||
    text.charAt(13) !== ':' ||
    text.charAt(16) !== ':' ||
    !(year >= 0 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 60)
  ) {
    return INVALID;
  }
  const lastDay = month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
  if (day > lastDay) return INVALID;

  const fraction = text.charAt(19) === '.' ? readFraction(text, 20) : { micros: 0, end: 19 };
  if (fraction === undefined) return INVALID;
  const offset = readOffset(text, fraction.end);
  if (offset === undefined) return INVALID;

  const seconds = epochDays(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  // Leap seconds are inserted at the end of a UTC day only (RFC 3339 appendix D).
  if (second === 60 && seconds % 86_400 !== 0) return INVALID;
  const micros = BigInt(seconds) * 1_000_000n + BigInt(fraction.micros);
  return isMicros(micros) ? { ok: true, micros } : OUT_OF_RANGE;
}

/** Writes a span of time, not negative, as decimal seconds: `86400`, `0.000001`. */
export function formatSeconds(micros: Micros): string {
  const fraction = (micros % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  return `${micros / 1_000_000n}${fraction && `.${fraction}`}`;
}

/** Turns milliseconds since the epoch, as clocks and SQS's SentTimestamp give them, into microseconds. */
export function microsFromMillis(milliseconds: number): Micros {
  return BigInt(Math.trunc(milliseconds)) * 1000n;
}

/**
 * Reads microseconds from the source text of a JSON integer, as JSON.parse would round them from the year 2255 on.
 * undefined for any other text, and for a time that no reader of the tables can hold.
 */
export function microsOfSource(source: string | undefined): Micros | undefined {
  const micros = source !== undefined && /^-?\d{1,18}$/.test(source) ? BigInt(source) : undefined;
  return micros !== undefined && isMicros(micros) ? micros : undefined;
}

/** Whether every reader of the tables can hold the time. */
export function isMicros(micros: bigint): boolean {
  return micros >= MIN_MICROS && micros <= MAX_MICROS;
}

/**
 * Writes a time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, the one text form of times in the tables.
 *
 * @param micros from MIN_MICROS to MAX_MICROS
 */
export function formatMicros(micros: Micros): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const millis = Number((micros - fraction) / 1000n);
  return `${new Date(millis).toISOString().slice(0, 19)}.${fraction.toString().padStart(6, '0')}Z`;
}
