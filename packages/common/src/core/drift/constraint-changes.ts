import type { Constraints } from '../schema/model';

/** One constraint (or bound) that differs between two versions of a column. */
export interface ConstraintChange {
  readonly constraint: 'enum' | 'lower bound' | 'upper bound' | 'minLength' | 'maxLength' | 'pattern';
  /** Whether every value that passed before still passes. */
  readonly loosened: boolean;
  readonly before: string;
  readonly after: string;
}

interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}

/** The stronger one of an inclusive and an exclusive bound; `sign` is 1 for lower bounds and -1 for upper ones. */
function strongest(inclusive: number | undefined, exclusive: number | undefined, sign: 1 | -1): Bound | undefined {
  if (exclusive === undefined) return inclusive === undefined ? undefined : { value: inclusive, exclusive: false };
  if (inclusive !== undefined && sign * inclusive > sign * exclusive) return { value: inclusive, exclusive: false };
  return { value: exclusive, exclusive: true };
}

function allowsAtLeast(after: Bound | undefined, before: Bound | undefined, sign: 1 | -1): boolean {
  if (after === undefined) return true;
  if (before === undefined) return false;
  if (after.value !== before.value) return sign * after.value < sign * before.value;
  return before.exclusive || !after.exclusive;
}

function shownBound(bound: Bound | undefined, inclusive: string, exclusive: string): string {
  return bound === undefined ? 'none' : `${bound.exclusive ? exclusive : inclusive} ${bound.value}`;
}

function shown(value: unknown): string {
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
  const sorted = (values: Constraints['enum']) =>
    values && [...values].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const loosened = after === undefined || before?.every((value) => after.includes(value)) === true;
  return change('enum', loosened, shown(sorted(before)), shown(sorted(after)));
}

/**
 * The differences between one column's constraints. A change that cannot be shown to loosen, as of a pattern, tightens.
 */
export function constraintChanges(before: Constraints, after: Constraints): ConstraintChange[] {
  const lower = [before, after].map((c) => strongest(c.minimum, c.exclusiveMinimum, 1));
  const upper = [before, after].map((c) => strongest(c.maximum, c.exclusiveMaximum, -1));
  const minLength = [before.minLength ?? 0, after.minLength ?? 0] as const;
  const maxLength = [before.maxLength ?? Infinity, after.maxLength ?? Infinity] as const;
  return [
    ...enumChange(before.enum, after.enum),
    ...change(
      'lower bound',
      allowsAtLeast(lower[1], lower[0], 1),
      shownBound(lower[0], 'minimum', 'exclusiveMinimum'),
      shownBound(lower[1], 'minimum', 'exclusiveMinimum'),
    ),
    ...change(
      'upper bound',
      allowsAtLeast(upper[1], upper[0], -1),
      shownBound(upper[0], 'maximum', 'exclusiveMaximum'),
      shownBound(upper[1], 'maximum', 'exclusiveMaximum'),
    ),
    ...change('minLength', minLength[1] <= minLength[0], String(minLength[0]), String(minLength[1])),
    ...change('maxLength', maxLength[1] >= maxLength[0], shown(before.maxLength), shown(after.maxLength)),
    ...change('pattern', after.pattern === undefined, shown(before.pattern), shown(after.pattern)),
  ];
}
