import { compareNumbers, isReadable, isWhole, type NumberAt } from '../json/exact-number';
import { pointerTo, type JsonObject } from '../json/value';
import { athenaTypeOf, comparesDoubles, decimalOf } from './model';
import type { SchemaProblem } from '../problem';

/** The contradictions among the numbers of one field, and between them and its column's type. */
export function boundProblems(field: JsonObject, pointer: string, numberAt: NumberAt): SchemaProblem[] {
  return [
    ...rangeProblems(field, pointer, numberAt),
    ...exactnessProblems(field, pointer, numberAt),
    ...decimalProblems(field, pointer),
    ...typeRangeProblems(field, pointer, numberAt),
  ];
}

function rangeProblems(field: JsonObject, pointer: string, numberAt: NumberAt): SchemaProblem[] {
  const textAt = (keyword: string) => numberAt(pointerTo(pointer, keyword));
  // Rows are compared with the bounds in the same way.
  const order = (low: string, high: string, from: number, to: number) =>
    comparesDoubles(athenaTypeOf(field)) ? from - to : compareNumbers(textAt(low), textAt(high));
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
    if (typeof from !== 'number' || typeof to !== 'number') return [];
    const found = order(low, high, from, to);
    if (found < 0 || (mayBeEqual && found === 0)) return [];
    return [
      {
        code: low === 'minLength' ? 'EMPTY_LENGTH_RANGE' : 'EMPTY_RANGE',
        path: pointerTo(pointer, low),
        message: `no value lies between ${low} ${textAt(low)} and ${high} ${textAt(high)}`,
        hint: `make ${low} smaller or ${high} greater`,
      },
    ];
  });
}

/**
 * Refuses lengths and whole values of enum that only rounding makes whole, and whole values past 2^53: JavaScript reads others than
 * the author wrote. Bounds are read by all their digits wherever rows are compared with them.
 */
function exactnessProblems(field: JsonObject, pointer: string, numberAt: NumberAt): SchemaProblem[] {
  const keywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength'];
  const choices: readonly unknown[] = Array.isArray(field['enum']) ? field['enum'] : [];
  const values = [
    ...keywords.map((keyword) => ({
      path: pointerTo(pointer, keyword),
      value: field[keyword],
      mustBeWhole: keyword.endsWith('Length'),
    })),
    ...choices.map((value, index) => ({ path: pointerTo(pointer, 'enum', index), value, mustBeWhole: true })),
  ];
  return values.flatMap(({ path, value, mustBeWhole }) => {
    // A number that cannot be read has a problem of its own.
    if (typeof value !== 'number' || !Number.isInteger(value) || !isReadable(numberAt(path))) return [];
    const code = 'NUMBER_NOT_EXACT';
    if (!Number.isSafeInteger(value)) {
      if (!mustBeWhole) return [];
      const message = 'a number past ±9007199254740991 is not exact in JSON';
      return [{ code, path, message, hint: 'choose a number within ±9007199254740991, or leave it out' }];
    }
    if (!mustBeWhole || isWhole(numberAt(path))) return [];
    const message = `${numberAt(path)} is not a whole number, but most readers of JSON round it to ${value}`;
    return [{ code, path, message, hint: `write ${value}` }];
  });
}

function decimalProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const xType = field['x-type'];
  const decimal = typeof xType === 'string' ? decimalOf(xType) : undefined;
  if (decimal === undefined || decimal.scale <= decimal.precision) return [];
  return [
    {
      code: 'DECIMAL_SCALE',
      path: pointerTo(pointer, 'x-type'),
      message: `decimal(${decimal.precision},${decimal.scale}) has more digits after the point than digits in all`,
      hint: 'decimal(precision,scale): precision counts all digits, scale those after the point',
    },
  ];
}

interface TypeRange {
  readonly type: string;
  /** The first values past the range on either side: an exclusive bound may name them. */
  readonly below: string;
  readonly above: string;
  readonly hint: string;
}

/** The range of a column type that is narrower than the numbers JSON can write exactly; undefined for all others. */
function rangeOf(field: JsonObject): TypeRange | undefined {
  const xType = field['x-type'];
  if (typeof xType !== 'string') return undefined;
  if (field['type'] === 'integer' && xType === 'int') {
    const hint = 'int holds -2147483648 to 2147483647: leave x-type out for bigint, or correct the number';
    return { type: xType, below: '-2147483649', above: '2147483648', hint };
  }
  const decimal = decimalOf(xType);
  if (field['type'] !== 'number' || decimal === undefined || decimal.scale > decimal.precision) return undefined;
  const digits = decimal.precision - decimal.scale;
  return {
    type: xType,
    below: `-1e${digits}`,
    above: `1e${digits}`,
    hint: `it has ${digits} digits before the point: widen it, or correct the number`,
  };
}

/** Finds bounds that no value of the column can reach: a slip of the bound, or of the type. */
function typeRangeProblems(field: JsonObject, pointer: string, numberAt: NumberAt): SchemaProblem[] {
  const range = rangeOf(field);
  if (range === undefined) return [];
  const { type, below, above, hint } = range;
  const outside = (value: unknown, path: string, code: string, mayTouch: boolean): SchemaProblem[] => {
    // A number that cannot be read has a problem of its own.
    if (typeof value !== 'number' || !Number.isFinite(value)) return [];
    const text = numberAt(path);
    const room = Math.min(compareNumbers(text, below), compareNumbers(above, text));
    if (mayTouch ? room >= 0 : room > 0) return [];
    return [{ code, path, message: `${text} is outside what ${type} holds`, hint }];
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
