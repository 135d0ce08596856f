/** Conditions over typed values that are true where a constraint is broken: the twin of scripts/glue/lean_ops/validation/constraints.py. */
import { athenaPattern } from '../pattern/athena-pattern';
import { plainDecimal, quantized } from './exact-decimal';
import type { ValidationConstraint, ValidationField } from './validation-schema';
import { decimalOf } from '../schema/model';
import { stringLiteral } from '../warehouse/sql';

type Bound = 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum';

/**
 * What breaks a bound, and the way to the bound's neighbour among the column's values that leaves the comparison as it is: so
 * an exact column is compared with a bound of its own type, where nothing is rounded.
 */
const BROKEN: Readonly<Record<Bound, { readonly operator: string; readonly rounding: 'floor' | 'ceiling' }>> = {
  minimum: { operator: '<', rounding: 'ceiling' },
  maximum: { operator: '>', rounding: 'floor' },
  exclusiveMinimum: { operator: '<=', rounding: 'floor' },
  exclusiveMaximum: { operator: '>=', rounding: 'ceiling' },
};

const MAX_DIGITS = 38;
const NUL = 'chr(0)';

/** @param value as castSql gives it; the text itself for a string */
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
  // Past every value that the column's type could hold: 0 stands for all of them.
  if (size >= beyond) return `${value} IS NOT NULL AND 0 ${operator} ${limit > 0n ? 1 : -1}`;
  return decimalOf(athenaType) === undefined
    ? `${value} ${operator} ${limit}`
    : `${value} ${operator} CAST('${plainDecimal(limit, scale)}' AS decimal(${MAX_DIGITS},${scale}))`;
}

/** A text with each of its characters, NUL too, which no literal can hold. */
function exactText(text: string): string {
  if (!text.includes('\0')) return stringLiteral(text);
  return `concat(${text.split('\0').map(stringLiteral).join(`, ${NUL}, `)})`;
}
