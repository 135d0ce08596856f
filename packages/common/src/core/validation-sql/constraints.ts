/**
 * SQL conditions over typed values that are true where a constraint is broken. The twin is
 * scripts/glue/lean_ops/validation/constraints.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { athenaPattern } from '../pattern/athena-pattern';
import { plainDecimal, quantized } from './exact-decimal';
import { isWhole } from '../json/exact-number';
import { pointerTo } from '../json/value';
import type { ValidationField, ValidationSchema } from './validation-schema';
import { comparesDoubles, decimalOf } from '../schema/model';
import { stringLiteral } from '../warehouse/sql';

type Bound = 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum';

/**
 * For each bound the comparison that breaks it, and the direction in which the bound is rounded to a value of the
 * column's type. Rounded so, the comparison keeps its meaning, and an exact column is compared within its own type.
 */
const BROKEN: Readonly<Record<Bound, { readonly operator: string; readonly rounding: 'floor' | 'ceiling' }>> = {
  minimum: { operator: '<', rounding: 'ceiling' },
  maximum: { operator: '>', rounding: 'floor' },
  exclusiveMinimum: { operator: '<=', rounding: 'floor' },
  exclusiveMaximum: { operator: '>=', rounding: 'ceiling' },
};

const MAX_DIGITS = 38;
const NUL = 'chr(0)';
/** Characters of the texts that a slow pattern is matched with. */
const MAX_SLOW_TEXT = 4_096;

/**
 * Writes the condition under which a typed value breaks a constraint.
 *
 * @param value the SQL of the value, as castSql gives it; the text itself for a string
 * @returns undefined where the value does not tell, so that the text has to be looked at (leaf-conditions.ts)
 */
export function brokenSql(
  field: ValidationField,
  keyword: string,
  value: string,
  schema: Pick<ValidationSchema, 'numberAt' | 'isSlow'>,
): string | undefined {
  const { spec, pointer, types, athenaType } = field;
  const isText = types.length === 1 && types[0] === 'string' && athenaType === 'string';
  const isNumber =
    types.length === 1 && (types[0] === 'integer' || types[0] === 'number') && athenaType !== 'timestamp';
  const number = () => schema.numberAt(pointerTo(pointer, keyword));
  switch (keyword) {
    case 'enum': {
      const choices = spec[keyword] as readonly unknown[];
      if (isText && choices.every((one) => typeof one === 'string')) {
        return `${value} NOT IN (${choices.map(exactText).join(', ')})`;
      }
      if (!isNumber || types[0] !== 'integer' || !choices.every((one) => typeof one === 'number')) return undefined;
      const texts = choices.map((_, index) => schema.numberAt(pointerTo(pointer, keyword, index)));
      const fits = texts.every((one) => isWhole(one) && Math.abs(Number(one)) < 2 ** 63);
      return fits ? `${value} NOT IN (${texts.map((one) => quantized(one, 0, 'floor')).join(', ')})` : undefined;
    }
    case 'pattern':
      return isText ? `NOT ${patternSql(value, String(spec[keyword]), schema.isSlow)}` : undefined;
    case 'minLength':
      return isText ? `length(${value}) < ${quantized(number(), 0, 'ceiling')}` : undefined;
    case 'maxLength':
      return isText ? `length(${value}) > ${quantized(number(), 0, 'floor')}` : undefined;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return isNumber ? boundSql(field, keyword, number(), value) : undefined;
    default:
      return undefined;
  }
}

/** Whether a pattern is found in a text. A slow one is looked for in short texts alone, and all others pass. */
export function patternSql(text: string, pattern: string, isSlow: (pattern: string) => boolean): string {
  const found = `regexp_like(${text}, ${stringLiteral(athenaPattern(pattern))})`;
  return isSlow(pattern) ? `(length(${text}) > ${MAX_SLOW_TEXT} OR ${found})` : found;
}

function boundSql({ athenaType }: ValidationField, bound: Bound, text: string, value: string): string {
  const { operator, rounding } = BROKEN[bound];
  if (comparesDoubles(athenaType)) return `${value} ${operator} DOUBLE '${Number(text)}'`;
  const scale = decimalOf(athenaType)?.scale ?? 0;
  const limit = quantized(text, scale, rounding);
  const size = limit < 0n ? -limit : limit;
  const beyond = athenaType === 'int' || athenaType === 'bigint' ? 2n ** 63n : 10n ** BigInt(MAX_DIGITS);
  // The bound is past every value of the column's type, so 0 stands for all of them.
  if (size >= beyond) return `${value} IS NOT NULL AND 0 ${operator} ${limit > 0n ? 1 : -1}`;
  return decimalOf(athenaType) === undefined
    ? `${value} ${operator} ${limit}`
    : `${value} ${operator} CAST('${plainDecimal(limit, scale)}' AS decimal(${MAX_DIGITS},${scale}))`;
}

/** An SQL expression of a text with all its characters; NUL needs chr(0), as no literal can hold it. */
export function exactText(text: string): string {
  if (!text.includes('\0')) return stringLiteral(text);
  return `concat(${text.split('\0').map(stringLiteral).join(`, ${NUL}, `)})`;
}
