import type { JsonObject } from '../json/value';
import { nearestWord } from '../json/nearest-word';
import { decimalOf } from './model';
import { FORMATS } from '../keywords/words';
import { shown, type SchemaProblem } from '../problem';

const TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array'] as const;

/** Keywords that go with numbers only, and with strings only. */
const OF_NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
const OF_STRINGS = ['minLength', 'maxLength', 'pattern'];

/** Types of databases and programming languages, with what to write for them in a schema. */
const ALSO_CALLED: ReadonlyMap<string, string> = new Map([
  ...['bigint', 'long', 'int64'].map((t) => [t, '"type": "integer"'] as const),
  ...['int', 'short', 'smallint', 'tinyint', 'byte', 'int8', 'int16', 'int32'].map(
    (t) => [t, '"type": "integer", "x-type": "int"'] as const,
  ),
  ...['double', 'real', 'float64'].map((t) => [t, '"type": "number"'] as const),
  ...['float', 'float32'].map((t) => [t, '"type": "number", "x-type": "float"'] as const),
  ...['decimal', 'numeric'].map((t) => [t, '"type": "number", "x-type": "decimal(10,2)"'] as const),
  ...['str', 'text', 'varchar', 'char', 'uuid', 'binary', 'bytes'].map((t) => [t, '"type": "string"'] as const),
  ...['timestamp', 'timestamptz', 'timestamp_ntz', 'timestamp_ltz', 'datetime', 'date-time'].map(
    (t) => [t, '"type": "string", "format": "date-time"'] as const,
  ),
  ['date', '"type": "string", "format": "date"'],
  ['time', '"type": "string", and a "pattern" for a time of day'],
  ['enum', '"type": "string", "enum": [ … ]'],
  ['bool', '"type": "boolean"'],
  ...['list', 'tuple', 'set'].map((t) => [t, '"type": "array"'] as const),
  ...['dict', 'map', 'record', 'struct', 'json'].map((t) => [t, '"type": "object", with "properties"'] as const),
]);

/** What to write for a type as databases and programming languages spell it: `decimal(5, 4)`, `varchar(20)`, `list<int>`. */
function writtenFor(type: string): string | undefined {
  const [, name = '', args = ''] = /^\s*([\w-]+)\s*(?:[(<[](.*)[)>\]])?\s*$/.exec(type.toLowerCase()) ?? [];
  if (name === 'decimal' || name === 'numeric') {
    const [, precision, scale = '0'] = /^\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?$/.exec(args) ?? [];
    if (precision !== undefined) return `"type": "number", "x-type": "decimal(${precision},${scale})"`;
  }
  if (/^(?:var)?char$/.test(name) && /^\d{1,9}$/.test(args)) return `"type": "string", "maxLength": ${args}`;
  if (name === 'array' && args !== '') return '"type": "array"';
  return ALSO_CALLED.get(name);
}

/** The words for a column type that stands in `x-type` of a field of another type. */
function formatFor(type: unknown): string | undefined {
  const named = typeof type === 'string' ? writtenFor(type) : undefined;
  return named?.includes('"format"') === true ? named : undefined;
}

const ONE_OF = `write one of ${TYPES.join(', ')}; null is always allowed where x-cde is not set`;

type Finding = Omit<SchemaProblem, 'path'>;

/** The problem with a value of `type` that no topic schema may have. */
export function typeProblem(value: unknown): Finding {
  const word = typeof value === 'string' ? value : '';
  const known = writtenFor(word);
  const near = known ?? nearestWord(word, TYPES);
  return {
    code: 'UNSUPPORTED_TYPE',
    message: `${shown(value)} is not a supported type`,
    hint: known !== undefined ? `write ${known}` : near !== undefined ? `did you mean "${near}"?` : ONE_OF,
  };
}

const TIMES: ReadonlySet<string> = new Set([
  'timestamp',
  'iso8601',
  'iso-8601',
  'rfc3339',
  'rfc-3339',
  'iso-date-time',
]);

/** Whether a format that JSON Schema does not define is a slip of one that it defines, or a type of a database. */
export function isMisspeltFormat(value: string): boolean {
  const word = value.toLowerCase();
  return (
    TIMES.has(word) || (nearestWord(word, FORMATS) !== undefined && !(FORMATS as readonly string[]).includes(word))
  );
}

/** The problem with a value of `format` that is not enforced. */
export function formatProblem(value: unknown): Finding {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  const near = TIMES.has(word) ? 'date-time' : nearestWord(word, FORMATS);
  return {
    code: 'UNSUPPORTED_FORMAT',
    message: `${shown(value)} is not a supported format`,
    hint: near === undefined ? `supported are ${FORMATS.join(', ')}` : `did you mean "${near}"?`,
  };
}

/** The problem with a value of `x-type` that does not go with the field's type. */
export function xTypeProblem(value: unknown, type: unknown): Finding {
  const decimal = typeof value === 'string' ? decimalOf(value) : undefined;
  if (decimal !== undefined && type === 'number') {
    return {
      code: 'DECIMAL_PRECISION',
      message: `${shown(value)}: a decimal has 1 to 38 digits`,
      hint: 'decimal(precision,scale): precision (1 to 38) counts all digits, scale (0 or more) those after the point',
    };
  }
  return {
    code: 'UNSUPPORTED_X_TYPE',
    message: `${shown(value)} is not an x-type for "type": ${shown(type)}`,
    hint: hintForXType(value, type),
  };
}

/** Column types that a field has without any x-type. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  integer: ['bigint', 'long', 'int64', 'integer'],
  number: ['double', 'number', 'float64'],
};

function hintForXType(value: unknown, type: unknown): string {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  if (DEFAULTS[String(type)]?.includes(word))
    return `leave it out: the column is a ${type === 'integer' ? 'bigint' : 'double'} without it`;
  const written = writtenFor(word);
  const own = /^"type": "(\w+)", "x-type": ("[^"]+")$/.exec(written ?? '');
  if (own !== null && own[1] === type && own[2] !== shown(value)) return `write "x-type": ${own[2] ?? ''}`;
  if (written !== undefined && !written.startsWith(`"type": "${String(type)}"`)) return `write ${written}`;
  return type === 'integer'
    ? 'write "int", or leave it out for bigint; decimals and floats need "type": "number"'
    : 'write "float" or "decimal(p,s)", or leave it out for double; int needs "type": "integer"';
}

/**
 * What to say of a word that asserts nothing about values of the types that a field has.
 *
 * @param field the field in which the word stands
 */
export function saysNothing(keyword: string, field: JsonObject): Finding {
  const type = field['type'];
  return {
    code: 'KEYWORD_NOT_FOR_TYPE',
    message: `"${keyword}" says nothing about "type": ${shown(type)}`,
    hint: hintFor(keyword, type, field[keyword]),
  };
}

/**
 * The problem with a word of ours that does not go with the type of its field.
 *
 * @param field the field in which the keyword stands
 */
export function notForType(keyword: string, field: JsonObject): Finding {
  const type = field['type'];
  return {
    code: 'KEYWORD_NOT_FOR_TYPE',
    message: `"${keyword}" cannot be used with "type": ${shown(type)}`,
    hint: hintFor(keyword, type, field[keyword]),
  };
}

function hintFor(keyword: string, type: unknown, value: unknown): string {
  if (OF_NUMBERS.includes(keyword)) {
    return type === 'string'
      ? 'for a text write minLength, maxLength or pattern; for a number change "type"'
      : 'take it out: bounds are for integer and number';
  }
  if (OF_STRINGS.includes(keyword)) {
    return type === 'integer' || type === 'number'
      ? 'for numbers write minimum and maximum; digits that are a name (a serial number) are a "string"'
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
    case 'x-time-zone':
    case 'x-time-forms':
      return 'take it out: it is for "type": "string", "format": "date-time"';
    case 'x-renamed-from':
      return 'write it at the fields inside, each with its own former path';
    case 'x-flatten':
      return 'take it out: only objects are flattened';
    case 'x-type':
      if (type === 'string') {
        const format = formatFor(value)?.replace('"type": "string", ', '');
        return format === undefined
          ? 'take it out: for a time or a date write "format"; for a number change "type"'
          : `write ${format} instead`;
      }
      return 'take it out: int is for integer, float and decimal(p,s) are for number, timestamp(…) is for both';
    default:
      return 'take it out, or change "type"';
  }
}
