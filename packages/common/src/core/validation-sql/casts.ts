/**
 * Casts of Standardized's texts to values, in the SQL of Athena (Trino's). The twin is
 * scripts/glue/lean_ops/validation/casts.py, which says what each form means;
 * tests/glue/validation/test_validation_sql.py holds the two equal. Patterns guard the casts, as Trino's accept more:
 * white space, `+1`, `NaN`.
 */
import { decimalOf } from '../schema/model';
import { anyOf } from './boolean-sql';
import { isNumberSql, isWholeSql, NUMBER, type NumberNames } from './number-sql';
import { offsetsAtTheEnds } from './time-zones';
import type { TimeForms, ValidationField } from './validation-schema';

const INTEGER = String.raw`'\A-?(?:0|[1-9][0-9]*)\z'`;
const NOT_ZERO = String.raw`'\A-?[0.]*[1-9]'`;
const DATE = String.raw`'\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z'`;
const LOCAL_TIME = String.raw`[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]`;
const SECONDS = String.raw`:(?:[0-5][0-9]|60)(?:[.][0-9]+)?`;
const OFFSET = String.raw`(?:[Zz]|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])`;
const LENIENT_OFFSET = String.raw`(?:[Zz]|[-+](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)`;

const MAX_DOUBLE = "DOUBLE '1.7976931348623157E308'";
const MAX_REAL = "DOUBLE '3.4028234663852886E38'";
/** A number with a greater exponent is refused unless it is 0, as in the Curated job. */
const MAX_EXPONENT = 400;
const DAY_MINUTES = 1_440;
/** Minutes from the start of year 1 to the start of year 10000. */
const ALL_MINUTES = 3_652_059 * DAY_MINUTES;
/** Microseconds from 1970 back to the start of year 1, and on to the end of year 9999. */
const MICROS_BEFORE = '62135596800000000';
const MICROS_AFTER = '253402300799999999';
const MICRO_DIGITS = { s: 6, ms: 3, us: 0 } as const;

/** The SQL that makes a field's value, in two steps so that nothing is computed twice. The caller chooses the names. */
export interface CastSql {
  /** An expression that `value` refers to by the name given to castSql; undefined where `value` needs none. */
  readonly prepared: string | undefined;
  /**
   * Not NULL exactly where the text is a value of the field; typed where constraints may compare it, else any value.
   */
  readonly value: string;
  /** Whether `value` refers to the parts of the text's number. */
  readonly usesNumber?: boolean;
}

/** What a cast needs to know of a field. */
export type CastField = Pick<ValidationField, 'types' | 'athenaType' | 'times'>;

/** The names by which the caller makes available what a cast's `value` refers to. */
export interface CastNames {
  readonly prepared: string;
  readonly number: NumberNames;
}

/**
 * Writes the cast of a field's text.
 *
 * @param text the SQL expression of the text; a column's name, as the cast repeats it
 * @returns undefined for a string and for a field that takes strings besides, where every text is a value
 * @throws TypeError for a type that no schema can have
 */
export function castSql(field: CastField, text: string, names: CastNames): CastSql | undefined {
  const { prepared, number } = names;
  const [type] = field.types;
  if (field.types.length > 1 || type === 'object') return typesCast(field.types, text, number);
  const decimal = decimalOf(field.athenaType);
  if (decimal !== undefined) return decimalCast(text, prepared, decimal);
  if (type === 'array') return plain(`CASE WHEN ${text} LIKE '[%]' THEN 1 END`);
  switch (field.athenaType) {
    case 'string':
      return undefined;
    case 'bigint':
      return integerCast(text, prepared, 'bigint');
    case 'int':
      return integerCast(text, prepared, 'integer');
    case 'double':
      return plain(floating(text, `TRY_CAST(${text} AS double)`, MAX_DOUBLE));
    case 'float':
      return plain(floating(text, `CAST(TRY_CAST(${text} AS real) AS double)`, MAX_REAL));
    case 'boolean':
      return plain(`CASE WHEN ${text} IN ('true', 'false') THEN 1 END`);
    case 'date':
      return plain(dateSql(text));
    case 'timestamp':
      return field.times.unit === undefined
        ? timeCast(text, prepared, field.times)
        : {
            prepared: undefined,
            usesNumber: true,
            value: epochTime(text, number, field.times.unit, type === 'integer'),
          };
    default:
      throw new TypeError(`no cast to ${field.athenaType}`);
  }
}

/** The SQL that is 1 where a text is a day of the calendar, and NULL elsewhere. */
export function dateSql(text: string): string {
  return `CASE WHEN regexp_like(${text}, ${DATE}) AND ${text} >= '0001' AND TRY_CAST(${text} AS date) IS NOT NULL THEN 1 END`;
}

/** What a text looks like, of whatever type its field is: conditions that are never NULL where the text is not. */
export function looksSql(text: string, number: NumberNames): Readonly<Record<string, string>> {
  return {
    array: `${text} LIKE '[%]'`,
    boolean: `${text} IN ('true', 'false')`,
    integer: isWholeSql(number),
    number: isNumberSql(number),
    object: `${text} LIKE '{%}'`,
  };
}

function typesCast(types: readonly string[], text: string, number: NumberNames): CastSql | undefined {
  if (types.includes('string')) return undefined;
  const looks = looksSql(text, number);
  return {
    prepared: undefined,
    usesNumber: types.includes('integer') || types.includes('number'),
    value: `CASE WHEN ${anyOf(types.map((type) => looks[type] ?? 'FALSE'))} THEN 1 END`,
  };
}

/** Reads the number of the seconds, milliseconds or microseconds since 1970. */
function epochTime(text: string, { digits, point }: NumberNames, unit: 's' | 'ms' | 'us', isInteger: boolean): string {
  const places = `(${point} + ${MICRO_DIGITS[unit]})`;
  const micros = `CAST(rpad(substr(${digits}, 1, CAST(${places} AS integer)), CAST(${places} AS integer), '0') AS bigint)`;
  const whole = isInteger || unit === 'us' ? [`WHEN length(${digits}) > ${point} THEN NULL`] : [];
  return [
    `CASE WHEN ${digits} IS NULL THEN NULL WHEN ${digits} = '' THEN 1`,
    ...whole,
    `WHEN ${places} > 18 THEN NULL WHEN ${places} < 1 THEN 1`,
    `WHEN ${micros} <= CASE WHEN ${text} LIKE '-%' THEN ${MICROS_BEFORE} ELSE ${MICROS_AFTER} END THEN 1 END`,
  ].join(' ');
}

/** Brings a time to RFC 3339, but for the offset of one in the field's zone, and accepts it as dateTime does. */
function timeCast(text: string, prepared: string, times: TimeForms): CastSql {
  if (!times.lenient) return plain(dateTimeSql(text, times));
  const seconds = `(?:${SECONDS})?`;
  const form = `\\A${LOCAL_TIME}${seconds}${LENIENT_OFFSET}${times.zone === undefined ? '' : '?'}\\z`;
  const withSeconds = String.raw`regexp_replace(${text}, '\A([0-9-]{10}[Tt ][0-9]{2}:[0-9]{2})([-+Zz]|\z)', '$1:00$2')`;
  const withColon = String.raw`regexp_replace(${withSeconds}, '([-+][0-9]{2})([0-9]{2})\z', '$1:$2')`;
  const whole = String.raw`regexp_replace(${withColon}, '(:[0-9]{2}(?:[.][0-9]+)?[-+][0-9]{2})\z', '$1:00')`;
  return {
    prepared: `CASE WHEN regexp_like(${text}, '${form}') THEN ${whole} END`,
    value: dateTimeSql(prepared, times),
  };
}

function plain(value: string): CastSql {
  return { prepared: undefined, value };
}

/**
 * The value is a double for a float too: bounds are compared with the number as sent, and 0.1 as a float is greater.
 */
function floating(text: string, value: string, greatest: string): string {
  return (
    `CASE WHEN regexp_like(${text}, ${NUMBER}) AND abs(${value}) <= ${greatest} ` +
    `AND (${value} <> DOUBLE '0' OR NOT regexp_like(${text}, ${NOT_ZERO})) THEN TRY_CAST(${text} AS double) END`
  );
}

/** The value of an integer in plain digits, as who means an integer writes it; NULL for any other text. */
export function plainIntegerSql(text: string, type: 'bigint' | 'integer'): string {
  return `CASE WHEN regexp_like(${text}, ${INTEGER}) THEN TRY_CAST(${text} AS ${type}) END`;
}

/**
 * Takes whole numbers in JSON's number form, 1.0 and 1e3 too. What is not plain is prepared as its significant digits and
 * an exponent, such as 1e3: only those are cast.
 */
function integerCast(text: string, prepared: string, type: 'bigint' | 'integer'): CastSql {
  const isPlain = `regexp_like(${text}, ${INTEGER})`;
  const mantissa = `replace(split_part(lower(${text}), 'e', 1), '-', '')`;
  const digits = String.raw`regexp_replace(replace(${mantissa}, '.', ''), '\A0+', '')`;
  // From the other side, as '0+\z' would look for the end of the text from each of many zeros.
  const reversed = String.raw`regexp_replace(reverse(${digits}), '\A0+', '')`;
  const exponent =
    `CASE WHEN regexp_like(${text}, '[eE]') ` +
    `THEN CAST(TRY_CAST(split_part(lower(${text}), 'e', 2) AS integer) AS bigint) ELSE 0 END`;
  const places = `coalesce(length(split_part(${mantissa}, '.', 2)), 0)`;
  return {
    prepared:
      `CASE WHEN ${isPlain} OR NOT regexp_like(${text}, ${NUMBER}) THEN NULL WHEN ${digits} = '' THEN '0e0' ` +
      `ELSE CASE WHEN ${text} LIKE '-%' THEN '-' ELSE '' END || reverse(${reversed}) || 'e' || ` +
      `CAST(${exponent} - ${places} + length(${digits}) - length(${reversed}) AS varchar) END`,
    value:
      `CASE WHEN ${isPlain} THEN TRY_CAST(${text} AS ${type}) ` +
      String.raw`WHEN regexp_like(${prepared}, '\A-?[0-9]{1,19}e[0-9]{1,2}\z') ` +
      `THEN TRY_CAST(TRY_CAST(${prepared} AS decimal(38,0)) AS ${type}) END`,
  };
}

/**
 * Casts to a decimal only where the cast is exact, as Trino's rounds: the places of the first and the last significant
 * digit tell. The exponent is bounded before the cast, which writes all digits out.
 */
function decimalCast(
  text: string,
  digits: string,
  { precision, scale }: { precision: number; scale: number },
): CastSql {
  const type = `decimal(${precision},${scale})`;
  const mantissa = `split_part(lower(${text}), 'e', 1)`;
  const exponent =
    `CASE WHEN regexp_like(${text}, '[eE]') ` +
    `THEN coalesce(TRY_CAST(split_part(lower(${text}), 'e', 2) AS integer), ${MAX_EXPONENT + 1}) ELSE 0 END`;
  // The digits without the sign: before the point, the point, and after it.
  const prepared = `CASE WHEN regexp_like(${text}, ${NUMBER}) THEN replace(${mantissa}, '-', '') END`;
  const point = `(length(split_part(${digits}, '.', 1)) + ${exponent})`;
  const all = `replace(${digits}, '.', '')`;
  const leading = String.raw`(length(${all}) - length(regexp_replace(${all}, '\A0+', '')))`;
  // From the other side, as '0+\z' would look for the end of the text from each of many zeros.
  const last = String.raw`length(regexp_replace(reverse(${all}), '\A0+', ''))`;
  // Only the digits that count are cast: Java takes the square of a text's length to read a decimal, zeros included.
  const significant =
    `CASE WHEN ${text} LIKE '-%' THEN '-' ELSE '' END || substr(${all}, ${leading} + 1, ${last} - ${leading}) || ` +
    `'e' || CAST(${point} - ${last} AS varchar)`;
  return {
    prepared,
    value:
      `CASE WHEN NOT regexp_like(${digits}, '[1-9]') THEN CAST('0' AS ${type}) ` +
      `WHEN ${exponent} BETWEEN -${MAX_EXPONENT} AND ${MAX_EXPONENT} ` +
      `AND ${point} - ${leading} <= ${precision - scale} AND ${last} - ${point} <= ${scale} ` +
      `THEN TRY_CAST(${significant} AS ${type}) END`,
  };
}

/**
 * The SQL that is 1 where a text is an RFC 3339 time in the years 1 to 9999 UTC, and NULL elsewhere; a leap second must end
 * a UTC day. Clock and offset matter only at the ends of that range and for leap seconds, so they are computed only there.
 * With a time zone the offset may be missing, and a leap second without one is taken as it is.
 */
export function dateTimeSql(text: string, { zone }: Pick<TimeForms, 'zone'>): string {
  const form = String.raw`'\A${LOCAL_TIME}${SECONDS}${OFFSET}${zone === undefined ? '' : '?'}\z'`;
  const day = `TRY_CAST(substr(${text}, 1, 10) AS date)`;
  const number = (from: number, length = 2) => `CAST(substr(${text}, ${from}, ${length}) AS integer)`;
  const offset =
    `CASE WHEN regexp_like(${text}, '[Zz]') THEN 0 ` +
    `WHEN substr(${text}, -6, 1) = '-' THEN -(60 * ${number(-5)} + ${number(-2)}) ELSE 60 * ${number(-5)} + ${number(-2)} END`;
  const isLeap = `substr(${text}, 18, 2) = '60'`;
  const local = `date_diff('day', DATE '0001-01-01', ${day}) * ${DAY_MINUTES} + 60 * ${number(12)} + ${number(15)}`;
  const minutes = `${local} - (${offset}) + CASE WHEN ${isLeap} THEN 1 ELSE 0 END`;
  return [
    `CASE WHEN NOT regexp_like(${text}, ${form}) OR ${day} IS NULL THEN NULL`,
    `WHEN substr(${text}, 1, 4) BETWEEN '0002' AND '9998' AND NOT ${isLeap} THEN 1`,
    ...(zone === undefined ? [] : [withoutOffset(text, local, zone)]),
    `WHEN ${minutes} BETWEEN 0 AND ${ALL_MINUTES - 1} AND (NOT ${isLeap} OR (${minutes}) % ${DAY_MINUTES} = 0) THEN 1 END`,
  ].join(' ');
}

/** The branch of dateTimeSql for a time without an offset at the ends of the range. */
function withoutOffset(text: string, local: string, zone: string): string {
  const { first, last } = offsetsAtTheEnds(zone);
  const seconds = `(${local}) * 60 + CAST(substr(${text}, 18, 2) AS integer)`;
  const offset = `CASE WHEN ${text} < '5' THEN ${first} ELSE ${last} END`;
  return (
    String.raw`WHEN NOT regexp_like(${text}, '(?:[Zz]|[-+][0-9]{2}:[0-9]{2})\z') THEN ` +
    `CASE WHEN ${seconds} - (${offset}) BETWEEN 0 AND ${ALL_MINUTES * 60 - 1} THEN 1 END`
  );
}
