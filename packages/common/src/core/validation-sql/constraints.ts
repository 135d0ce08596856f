/**
 * SQL conditions over typed values that are true where a constraint is broken. The twin is
 * scripts/glue/lean_ops/validation/constraints.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { athenaPattern } from '../pattern/athena-pattern';
import { plainDecimal, quantized } from './exact-decimal';
import type { ValidationConstraint, ValidationField } from './validation-schema';
import { decimalOf } from '../schema/model';
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

/**
 * Writes the condition under which a value breaks a constraint.
 *
 * @param value the SQL of the value, as castSql gives it; the text itself for a string
 */
export function brokenSql(field: ValidationField, constraint: ValidationConstraint, value: string): string {
  switch (constraint.keyword) {
    case 'enum':
      return field.jsonType === 'integer'
        ? `${value} NOT IN (${constraint.values.map((one) => quantized(String(one), 0, 'floor')).join(', ')})`
        : `${value} NOT IN (${constraint.values.map((one) => exactText(String(one))).join(', ')})`;
    case 'pattern':
      return `NOT regexp_like(${value}, ${stringLiteral(athenaPattern(constraint.pattern))})`;
    case 'minLength':
      return `length(${value}) < ${quantized(constraint.text, 0, 'ceiling')}`;
    case 'maxLength':
      return `length(${value}) > ${quantized(constraint.text, 0, 'floor')}`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return boundSql(field, constraint.keyword, constraint.text, value);
  }
}

function boundSql({ athenaType }: ValidationField, bound: Bound, text: string, value: string): string {
  const { operator, rounding } = BROKEN[bound];
  if (athenaType === 'double' || athenaType === 'float') return `${value} ${operator} DOUBLE '${Number(text)}'`;
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
function exactText(text: string): string {
  if (!text.includes('\0')) return stringLiteral(text);
  return `concat(${text.split('\0').map(stringLiteral).join(`, ${NUL}, `)})`;
}
