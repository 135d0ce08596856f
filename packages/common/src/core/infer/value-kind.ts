import { parseTime } from '../time';
import type { ValueKind } from './profile-statements';

const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
const NOT_ZERO = /^-?[0.]*[1-9]/;
const FIXED = /^-?([0-9]{1,15})[.]([0-9]{1,9})$/;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
/** Longest text of a bigint, sign included. */
const MAX_BIGINT_LENGTH = 20;

/**
 * The form of a value's text. The twin is the SQL of profile-statements.ts, which decides the same on Athena;
 * value-kind.test.ts holds this side to the verdicts that both are due.
 */
export function kindOf(text: string): ValueKind {
  if (text === 'true' || text === 'false') return 'boolean';
  if (INTEGER.test(text) && text.length <= MAX_BIGINT_LENGTH && isBigint(BigInt(text))) {
    return text.length < 10 ? 'int' : 'bigint';
  }
  if (NUMBER.test(text) && Number.isFinite(Number(text)) && (Number(text) !== 0 || !NOT_ZERO.test(text))) {
    const [, before, after] = FIXED.exec(text) ?? [];
    return before === undefined || after === undefined ? 'number' : `fixed:${before.length}:${after.length}`;
  }
  if (parseTime(text).ok) return 'date-time';
  if (DATE.test(text) && parseTime(`${text}T00:00:00Z`).ok) return 'date';
  if (text.length >= 2 && text.startsWith('[') && text.endsWith(']')) return 'array';
  return text === '{}' ? 'empty' : 'text';
}

function isBigint(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}
