import type { JsonObject } from '../json/value';
import { nearestWord } from '../json/nearest-word';
import { decimalOf } from './model';
import { shown, type SchemaProblem } from '../problem';

const TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array'] as const;

/** Keywords that go with numbers only, and with strings only. */
const OF_NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
const OF_STRINGS = ['minLength', 'maxLength', 'pattern'];

/** Types of databases and programming languages, with what to write for them in a schema. */
const ALSO_CALLED: ReadonlyMap<string, string> = new Map([
  ...['int', 'bigint', 'long', 'short', 'smallint', 'int32', 'int64'].map((t) => [t, '"integer"'] as const),
  ...['float', 'double', 'decimal', 'real', 'numeric'].map((t) => [t, '"number", with "x-type" if need be'] as const),
  ...['str', 'text', 'varchar', 'char', 'uuid', 'binary'].map((t) => [t, '"string"'] as const),
  ...['timestamp', 'datetime', 'date-time', 'time'].map((t) => [t, '"string" with "format": "date-time"'] as const),
  ['date', '"string" with "format": "date"'],
  ['bool', '"boolean"'],
  ...['list', 'tuple', 'set'].map((t) => [t, '"array"'] as const),
  ...['dict', 'map', 'record', 'struct', 'json'].map((t) => [t, '"object"'] as const),
]);

const ONE_OF = `one of ${TYPES.join(', ')}; null is always allowed where x-cde is not set`;

type Finding = Omit<SchemaProblem, 'path'>;

/** The problem with a value of `type` that no topic schema may have. */
export function typeProblem(value: unknown): Finding {
  if (Array.isArray(value)) {
    const real = value.filter((one): one is string => typeof one === 'string' && one !== 'null');
    return {
      code: 'TYPE_LIST',
      message: `${shown(value)}: a field has one type, as its column has`,
      hint:
        real.length === 1
          ? `write "type": "${real[0] ?? ''}": null is always allowed where x-cde is not set`
          : 'choose one type, or give each form a field of its own; null is always allowed where x-cde is not set',
    };
  }
  const word = typeof value === 'string' ? value : '';
  const known = ALSO_CALLED.get(word.toLowerCase());
  const near = known ?? nearestWord(word, TYPES);
  return {
    code: 'UNSUPPORTED_TYPE',
    message: `${shown(value)} is no type of a topic schema`,
    hint: known !== undefined ? `write ${known}` : near !== undefined ? `did you mean "${near}"?` : ONE_OF,
  };
}

/** The problem with a value of `format` that is not enforced. */
export function formatProblem(value: unknown): Finding {
  const near = typeof value === 'string' ? nearestWord(value, ['date-time', 'date']) : undefined;
  return {
    code: 'UNSUPPORTED_FORMAT',
    message: `${shown(value)} is no format that is enforced`,
    hint:
      near === undefined || value === 'time'
        ? 'date-time and date are enforced; for other forms use pattern, or leave format out'
        : `did you mean "${near}"?`,
  };
}

/** The problem with a value of `x-type` that does not go with the field's type. */
export function xTypeProblem(value: unknown, type: unknown): Finding {
  const decimal = typeof value === 'string' ? decimalOf(value) : undefined;
  if (decimal !== undefined && type === 'number') {
    return {
      code: 'DECIMAL_PRECISION',
      message: `${shown(value)}: a decimal has from 1 to 38 digits`,
      hint: 'decimal(precision,scale): precision, from 1 to 38, counts all digits; scale, from 0, those after the point',
    };
  }
  return {
    code: 'UNSUPPORTED_X_TYPE',
    message: `${shown(value)} is no column type of a field of type ${shown(type)}`,
    hint:
      type === 'integer'
        ? 'write "int", or leave it out for bigint; decimals and floats want "type": "number"'
        : 'write "float" or "decimal(p,s)" without spaces, or leave it out for double; int wants "type": "integer"',
  };
}

/**
 * The problem with a keyword that does not go with the type of its field.
 *
 * @param field the field in which the keyword stands
 */
export function notForType(keyword: string, field: JsonObject): Finding {
  const type = field['type'];
  if (type === 'string' && field['format'] !== undefined && [...OF_STRINGS, 'enum'].includes(keyword)) {
    return {
      code: 'KEYWORD_NOT_FOR_FORMAT',
      message: `"${keyword}" does not go with "format"`,
      hint: 'take one of the two out: with a format the column holds a time, not a text',
    };
  }
  if (keyword === 'x-cde') {
    return {
      code: 'CDE_ON_OBJECT',
      message: 'an object cannot be a critical data element: it has no column',
      hint: 'set "x-cde" on the fields inside that matter',
    };
  }
  if (keyword === 'enum' && type === 'number') {
    return {
      code: 'ENUM_ON_NUMBER',
      message: 'numbers with decimals cannot be listed: 0.1 and 0.10 are one value in one column and two in another',
      hint: 'write "type": "integer" if they are whole, else "minimum" and "maximum"',
    };
  }
  return {
    code: keyword === 'x-type' ? 'X_TYPE_NOT_FOR_TYPE' : 'KEYWORD_NOT_FOR_TYPE',
    message: `"${keyword}" does not go with a field of type ${shown(type)}`,
    hint: hintFor(keyword, type),
  };
}

function hintFor(keyword: string, type: unknown): string {
  if (OF_NUMBERS.includes(keyword)) {
    return type === 'string'
      ? 'for a text write minLength, maxLength or pattern; for numbers change "type"'
      : 'take it out: bounds are for integer and number';
  }
  if (OF_STRINGS.includes(keyword)) {
    return type === 'integer' || type === 'number'
      ? 'for numbers write minimum and maximum; digits that are a name (a serial number) want "type": "string"'
      : 'take it out: it is for strings';
  }
  switch (keyword) {
    case 'format':
      return 'take it out: times and dates are strings, "type": "string"';
    case 'required':
      return 'list the field\'s name under "required" of the object around it';
    case 'properties':
    case 'additionalProperties':
      return 'write "type": "object" if it has members, or take it out';
    case 'items':
      return 'write "type": "array" if it is a list, or take it out';
    case 'enum':
      return 'take it out: enum is for strings and integers';
    case 'x-type':
      return type === 'string'
        ? 'take it out: for a time or a date write "format"; for a number change "type"'
        : 'take it out: int goes with integer, float and decimal(p,s) with number';
    default:
      return 'take it out, or change "type"';
  }
}
