import { pointerTo, type JsonObject } from '../json/value';
import { decimalOf } from './model';
import { shown, type SchemaProblem } from '../problem';

/** The contradictions among the numbers of one field, and between them and its column's type. */
export function boundProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  return [
    ...rangeProblems(field, pointer),
    ...exactnessProblems(field, pointer),
    ...decimalProblems(field, pointer),
    ...typeRangeProblems(field, pointer),
  ];
}

function rangeProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const ranges: readonly (readonly [low: string, high: string, mayBeEqual: boolean])[] = [
    ['minimum', 'maximum', true],
    ['exclusiveMinimum', 'maximum', false],
    ['minimum', 'exclusiveMaximum', false],
    ['exclusiveMinimum', 'exclusiveMaximum', false],
    ['minLength', 'maxLength', true],
  ];
  return ranges.flatMap(([low, high, mayBeEqual]) => {
    const from = field[low];
    const to = field[high];
    if (typeof from !== 'number' || typeof to !== 'number' || from < to || (mayBeEqual && from === to)) return [];
    return [
      {
        code: low === 'minLength' ? 'EMPTY_LENGTH_RANGE' : 'EMPTY_RANGE',
        path: pointerTo(pointer, low),
        message: `nothing is between ${low} ${from} and ${high} ${to}`,
        hint: `make ${low} smaller or ${high} greater`,
      },
    ];
  });
}

/**
 * Refuses whole numbers past 2^53: JavaScript rounds them and Python does not, so the two would enforce different
 * bounds.
 */
function exactnessProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const values: [string, unknown][] = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((keyword) => [
    pointerTo(pointer, keyword),
    field[keyword],
  ]);
  const choices: unknown = field['enum'];
  if (Array.isArray(choices)) {
    choices.forEach((value: unknown, index) => values.push([pointerTo(pointer, 'enum', index), value]));
  }
  return values.flatMap(([path, value]) =>
    typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)
      ? []
      : [
          {
            code: 'NUMBER_NOT_EXACT',
            path,
            message: 'a number past ±9007199254740991 is not exact in JSON',
            hint: 'choose a bound within ±9007199254740991, or leave it out',
          },
        ],
  );
}

function decimalProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const xType = field['x-type'];
  const decimal = typeof xType === 'string' ? decimalOf(xType) : undefined;
  if (decimal === undefined || decimal.scale <= decimal.precision) return [];
  return [
    {
      code: 'DECIMAL_SCALE',
      path: pointerTo(pointer, 'x-type'),
      message: `decimal(${decimal.precision},${decimal.scale}) has more decimals than digits`,
      hint: 'decimal(precision,scale): precision counts all digits, scale those after the point',
    },
  ];
}

interface TypeRange {
  readonly type: string;
  /** The first values past the range on either side: an exclusive bound may name them. */
  readonly below: number;
  readonly above: number;
  readonly hint: string;
}

/** The range of a column type that is narrower than the numbers JSON can write exactly; undefined for all others. */
function rangeOf(field: JsonObject): TypeRange | undefined {
  const xType = field['x-type'];
  if (typeof xType !== 'string') return undefined;
  if (field['type'] === 'integer' && xType === 'int') {
    const hint = 'int holds -2147483648 to 2147483647: leave x-type out for bigint, or mend the number';
    return { type: xType, below: -(2 ** 31) - 1, above: 2 ** 31, hint };
  }
  const decimal = decimalOf(xType);
  if (field['type'] !== 'number' || decimal === undefined || decimal.scale > decimal.precision) return undefined;
  const digits = decimal.precision - decimal.scale;
  const above = 10 ** digits;
  return {
    type: xType,
    below: -above,
    above,
    hint: `it has ${digits} digits before the point: widen it, or mend the number`,
  };
}

/** Finds bounds that no value of the column can reach: a slip of the bound, or of the type. */
function typeRangeProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const range = rangeOf(field);
  if (range === undefined) return [];
  const { type, below, above, hint } = range;
  const outside = (value: unknown, path: string, code: string, mayTouch: boolean): SchemaProblem[] => {
    // A number that is not exact has a problem of its own.
    if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return [];
    if (mayTouch ? value >= below && value <= above : value > below && value < above) return [];
    return [{ code, path, message: `${shown(value)} is outside what ${type} holds`, hint }];
  };
  const choices: unknown = field['enum'];
  return [
    ...(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const).flatMap((keyword) =>
      outside(field[keyword], pointerTo(pointer, keyword), 'BOUND_OUTSIDE_TYPE', keyword.startsWith('exclusive')),
    ),
    ...(Array.isArray(choices) ? choices : []).flatMap((value: unknown, index) =>
      outside(value, pointerTo(pointer, 'enum', index), 'ENUM_OUTSIDE_TYPE', false),
    ),
  ];
}
