/**
 * Casts of Standardized's texts to values, in the SQL of Athena (Trino's). The twin is
 * scripts/glue/lean_ops/validation/casts.py, which says what each form means;
 * tests/glue/validation/test_validation_sql.py holds the two equal. Patterns guard the casts, as Trino's accept more:
 * white space, `+1`, `NaN`.
 */
import { decimalOf } from '../schema/model';
import type { ValidationField } from './validation-schema';

const INTEGER = String.raw`'\A-?(?:0|[1-9][0-9]*)\z'`;
const NUMBER = String.raw`'\A-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?\z'`;
const NOT_ZERO = String.raw`'\A-?[0.]*[1-9]'`;
const DATE = String.raw`'\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z'`;
const DATE_TIME =
  String.raw`'\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)` +
  String.raw`(?:[.][0-9]+)?(?:[Zz]|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])\z'`;

const MAX_DOUBLE = "DOUBLE '1.7976931348623157E308'";
const MAX_REAL = "DOUBLE '3.4028234663852886E38'";
/** A number with a greater exponent is refused unless it is 0, as in the Curated job. */
const MAX_EXPONENT = 400;
const DAY_MINUTES = 1_440;
/** Minutes from the start of year 1 to the start of year 10000. */
const ALL_MINUTES = 3_652_059 * DAY_MINUTES;

/** The SQL that makes a field's value, in two steps so that nothing is computed twice. The caller chooses the names. */
export interface CastSql {
  /** An expression that `value` refers to by the name given to castSql; undefined where `value` needs none. */
  readonly prepared: string | undefined;
  /**
   * Not NULL exactly where the text is a value of the field; typed where constraints may compare it, else any value.
   */
  readonly value: string;
}

/**
 * Writes the cast of a field's text.
 *
 * @param text the SQL expression of the text; a column's name, as the cast repeats it
 * @param prepared the name by which the caller makes the result's `prepared` available to its `value`
 * @returns undefined for a plain string, where every text is its own value
 * @throws TypeError for a type that no schema can have
 */
export function castSql(field: ValidationField, text: string, prepared: string): CastSql | undefined {
  const decimal = decimalOf(field.athenaType);
  if (decimal !== undefined) return decimalCast(text, prepared, decimal);
  if (field.jsonType === 'array') return plain(`CASE WHEN ${text} LIKE '[%]' THEN 1 END`);
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
      return plain(
        `CASE WHEN regexp_like(${text}, ${DATE}) AND ${text} >= '0001' AND TRY_CAST(${text} AS date) IS NOT NULL THEN 1 END`,
      );
    case 'timestamp':
      return plain(dateTime(text));
    default:
      throw new TypeError(`no cast to ${field.athenaType}`);
  }
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
 * Accepts RFC 3339 times in the years 1 to 9999 UTC; a leap second must end a UTC day. Clock and offset matter only at
 * the ends of that range and for leap seconds, so they are computed only there.
 */
function dateTime(text: string): string {
  const day = `TRY_CAST(substr(${text}, 1, 10) AS date)`;
  const number = (from: number, length = 2) => `CAST(substr(${text}, ${from}, ${length}) AS integer)`;
  const offset =
    `CASE WHEN regexp_like(${text}, '[Zz]') THEN 0 ` +
    `WHEN substr(${text}, -6, 1) = '-' THEN -(60 * ${number(-5)} + ${number(-2)}) ELSE 60 * ${number(-5)} + ${number(-2)} END`;
  const isLeap = `substr(${text}, 18, 2) = '60'`;
  const minutes =
    `date_diff('day', DATE '0001-01-01', ${day}) * ${DAY_MINUTES} + 60 * ${number(12)} + ${number(15)} - (${offset}) ` +
    `+ CASE WHEN ${isLeap} THEN 1 ELSE 0 END`;
  return (
    `CASE WHEN NOT regexp_like(${text}, ${DATE_TIME}) OR ${day} IS NULL THEN NULL ` +
    `WHEN substr(${text}, 1, 4) BETWEEN '0002' AND '9998' AND NOT ${isLeap} THEN 1 ` +
    `WHEN ${minutes} BETWEEN 0 AND ${ALL_MINUTES - 1} AND (NOT ${isLeap} OR (${minutes}) % ${DAY_MINUTES} = 0) THEN 1 END`
  );
}
