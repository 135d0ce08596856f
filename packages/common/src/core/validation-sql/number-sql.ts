/**
 * Numbers by all their digits, in the SQL of Athena (Trino's): a text in JSON's number form is ±0.`digits` × 10^`point`,
 * where the digits have no zeros at their ends, and 0 has none. The twin is
 * scripts/glue/lean_ops/validation/exact_number.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { numberParts } from '../json/exact-number';
import { allOf, anyOf, not } from './boolean-sql';

export const NUMBER = String.raw`'\A-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?\z'`;
/** Where a greater exponent is cut to, so that no sum leaves the type bigint. No text makes up for that by its digits. */
const MAX_EXPONENT = '100000000000000000';
const MAX_DIGITS = 38;
/** Digits of a divisor up to which the rest of a division fits a decimal with the zeros that follow. */
const MAX_DIVISOR_DIGITS = 7;

/** Quoted names of the columns that hold the parts of a text's number. Both are NULL where it is none. */
export interface NumberNames {
  readonly digits: string;
  readonly point: string;
}

/** A text of which SQL is written: its own expression, and the names of its number's parts. */
export interface NumberText extends NumberNames {
  readonly text: string;
}

/** The SQL of the parts, which repeats the expression of the text. */
export function numberPartsSql(text: string): NumberNames {
  const isNumber = `regexp_like(${text}, ${NUMBER})`;
  const mantissa = `replace(split_part(lower(${text}), 'e', 1), '-', '')`;
  const all = `replace(${mantissa}, '.', '')`;
  const leading = String.raw`regexp_replace(${all}, '\A0+', '')`;
  const stated = `split_part(lower(${text}), 'e', 2)`;
  const clamped =
    `least(greatest(coalesce(TRY_CAST(${stated} AS bigint), CASE WHEN ${stated} LIKE '-%' THEN -${MAX_EXPONENT} ` +
    `ELSE ${MAX_EXPONENT} END), -${MAX_EXPONENT}), ${MAX_EXPONENT})`;
  const exponent = `CASE WHEN regexp_like(${text}, '[eE]') THEN ${clamped} ELSE 0 END`;
  return {
    // From the other side, as '0+\z' would look for the end of the text from each of many zeros.
    digits: String.raw`CASE WHEN ${isNumber} THEN reverse(regexp_replace(reverse(${leading}), '\A0+', '')) END`,
    point:
      `CASE WHEN ${isNumber} THEN length(split_part(${mantissa}, '.', 1)) - length(${all}) + length(${leading}) + ` +
      `(${exponent}) END`,
  };
}

export function isNumberSql({ digits }: NumberNames): string {
  return `${digits} IS NOT NULL`;
}

/** Whether it is a number without a fraction. */
export function isWholeSql({ digits, point }: NumberNames): string {
  return `coalesce(${digits} = '' OR length(${digits}) <= ${point}, FALSE)`;
}

type Relation = '<' | '>';

/** Whether a number is less or greater than one of the schema. Only to be asked where the text is a number. */
export function comparedSql(number: NumberText, relation: Relation, limit: string): string {
  const { sign, digits, point } = numberParts(limit);
  const isNegative = `${number.text} LIKE '-%'`;
  const isZero = `${number.digits} = ''`;
  const positive = allOf([not(isZero), not(isNegative)]);
  const negative = allOf([not(isZero), isNegative]);
  if (digits === '') return relation === '<' ? negative : positive;
  const size = (operator: Relation) =>
    `(${number.point} ${operator} ${point} OR (${number.point} = ${point} AND ${number.digits} ${operator} '${digits}'))`;
  // A number on the other side of 0 is decided by its sign.
  if (sign > 0) {
    return relation === '<' ? anyOf([isZero, isNegative, size('<')]) : allOf([positive, size('>')]);
  }
  return relation === '<' ? allOf([negative, size('>')]) : anyOf([isZero, not(isNegative), size('<')]);
}

/** Whether a number equals one of the schema's. Only to be asked where the text is a number. */
export function isAmongSql({ text, digits, point }: NumberText, limits: readonly string[]): string {
  if (limits.length === 0) return 'FALSE';
  const key =
    `CASE WHEN ${digits} = '' THEN '0' ELSE CASE WHEN ${text} LIKE '-%' THEN '-' ELSE '' END || ${digits} || 'e' || ` +
    `CAST(${point} AS varchar) END`;
  const keys = limits.map((limit) => {
    const parts = numberParts(limit);
    return parts.digits === '' ? "'0'" : `'${parts.sign < 0 ? '-' : ''}${parts.digits}e${parts.point}'`;
  });
  return `${key} IN (${keys.join(', ')})`;
}

/**
 * Whether a number is a whole multiple of one of the schema's that is greater than 0. Only to be asked where the text is
 * a number; one of more than 38 digits, zeros at its ends not counted, counts as a multiple where that depends on them.
 *
 * @returns undefined for a divisor of more digits than SQL can divide by
 */
export function isMultipleSql({ digits, point }: NumberNames, divisor: string): string | undefined {
  const parts = numberParts(divisor);
  const shift = `${point} - length(${digits}) - (${parts.point - parts.digits.length})`;
  // Neither has a zero at its end, so with a negative shift the quotient keeps digits after its point.
  const isShifted = `(${digits} = '' OR ${shift} >= 0)`;
  if (parts.digits === '1') return isShifted;
  if (parts.digits.length > MAX_DIVISOR_DIGITS) return undefined;
  const by = `CAST('${parts.digits}' AS decimal(${MAX_DIGITS},0))`;
  // Beyond so many tens all factors 2 and 5 of the divisor are in them.
  const zeros = `substr('${'0'.repeat(4 * parts.digits.length)}', 1, CAST(least(${shift}, ${4 * parts.digits.length}) AS integer))`;
  const rest = `CAST(CAST(${digits} AS decimal(${MAX_DIGITS},0)) % ${by} AS varchar)`;
  return (
    `(CASE WHEN ${digits} = '' THEN TRUE WHEN ${shift} < 0 THEN FALSE WHEN length(${digits}) > ${MAX_DIGITS} THEN TRUE ` +
    `ELSE CAST(${rest} || ${zeros} AS decimal(${MAX_DIGITS},0)) % ${by} = 0 END)`
  );
}
