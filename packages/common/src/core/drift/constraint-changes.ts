import { compareNumbers } from '../json/exact-number';
import type { Constraints } from '../schema/model';

/** One constraint (or bound) that differs between two versions of a column. */
export interface ConstraintChange {
  readonly constraint: 'enum' | 'lower bound' | 'upper bound' | 'minLength' | 'maxLength' | 'pattern';
  /** Whether every value that passed before still passes. */
  readonly loosened: boolean;
  readonly before: string;
  readonly after: string;
}

const LOWER = ['minimum', 'exclusiveMinimum'] as const;
const UPPER = ['maximum', 'exclusiveMaximum'] as const;

interface Bound {
  readonly value: string;
  readonly exclusive: boolean;
}

/** The stronger one of an inclusive and an exclusive bound; `sign` is 1 for lower bounds and -1 for upper ones. */
function strongest(inclusive: string | undefined, exclusive: string | undefined, sign: 1 | -1): Bound | undefined {
  if (exclusive === undefined) return inclusive === undefined ? undefined : { value: inclusive, exclusive: false };
  if (inclusive !== undefined && sign * compareNumbers(inclusive, exclusive) > 0) {
    return { value: inclusive, exclusive: false };
  }
  return { value: exclusive, exclusive: true };
}

function allowsAtLeast(after: Bound | undefined, before: Bound | undefined, sign: 1 | -1): boolean {
  if (after === undefined) return true;
  if (before === undefined) return false;
  const order = sign * compareNumbers(after.value, before.value);
  return order === 0 ? before.exclusive || !after.exclusive : order < 0;
}

/** Both bounds on one side, as a row that breaks both has a violation for each. */
function shownBounds(constraints: Constraints, keywords: typeof LOWER | typeof UPPER): string {
  const stated = keywords.flatMap((keyword) => {
    const bound = constraints[keyword];
    return bound === undefined ? [] : [`${keyword} ${bound}`];
  });
  return stated.length === 0 ? 'none' : stated.join(', ');
}

function shown(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function change(
  constraint: ConstraintChange['constraint'],
  loosened: boolean,
  before: string,
  after: string,
): ConstraintChange[] {
  return before === after ? [] : [{ constraint, loosened, before, after }];
}

function enumChange(before: Constraints['enum'], after: Constraints['enum']): ConstraintChange[] {
  // The order of the values means nothing.
  const list = (values: Constraints['enum']) => (values ? `[${[...values].sort().join(',')}]` : 'none');
  const loosened = after === undefined || before?.every((value) => after.includes(value)) === true;
  return change('enum', loosened, list(before), list(after));
}

/**
 * The differences between one column's constraints. A change that cannot be shown to loosen, as of a pattern, tightens.
 */
export function constraintChanges(before: Constraints, after: Constraints): ConstraintChange[] {
  const lower = [before, after].map((c) => strongest(c.minimum, c.exclusiveMinimum, 1));
  const upper = [before, after].map((c) => strongest(c.maximum, c.exclusiveMaximum, -1));
  const minLength = [before.minLength ?? '0', after.minLength ?? '0'] as const;
  const longest = [before, after].map((c) => strongest(c.maxLength, undefined, -1));
  return [
    ...enumChange(before.enum, after.enum),
    ...change(
      'lower bound',
      allowsAtLeast(lower[1], lower[0], 1),
      shownBounds(before, LOWER),
      shownBounds(after, LOWER),
    ),
    ...change(
      'upper bound',
      allowsAtLeast(upper[1], upper[0], -1),
      shownBounds(before, UPPER),
      shownBounds(after, UPPER),
    ),
    ...change('minLength', compareNumbers(minLength[1], minLength[0]) <= 0, minLength[0], minLength[1]),
    ...change(
      'maxLength',
      allowsAtLeast(longest[1], longest[0], -1),
      before.maxLength ?? 'none',
      after.maxLength ?? 'none',
    ),
    ...change('pattern', after.pattern === undefined, shown(before.pattern), shown(after.pattern)),
  ];
}
