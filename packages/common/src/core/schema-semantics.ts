import { collisions, columnName, MAX_COLUMN_NAME, MAX_DEPTH } from './columns';
import { isObject, pointerTo, type JsonObject } from './json-value';
import { checkPattern } from './pattern-safety';
import { decimalOf, fieldsOf, type FieldVisit } from './schema-model';
import type { SchemaProblem } from './schema-problem';

/** What to check against, beyond the document itself. */
export interface SemanticOptions {
  readonly topic: string | undefined;
  readonly maxColumns: number;
}

/** A pattern that is longer is refused by the meta-schema already. */
const MAX_PATTERN = 512;

/**
 * What no meta-schema can say: names, collisions, contradictions, patterns. Runs beside the meta-schema on whatever has
 * the right form, so that all problems of a file come at once.
 */
export function semanticProblems(document: JsonObject, options: SemanticOptions): SchemaProblem[] {
  const fields = [...fieldsOf(document)];
  const leaves = fields.filter(({ field }) => field['type'] !== 'object');
  return [
    ...topicProblems(document, options.topic),
    ...requiredProblems(document, ''),
    ...fields.flatMap(({ field, pointer }) => requiredProblems(field, pointer)),
    ...fields.flatMap(nameProblems),
    ...leaves.flatMap(leafProblems),
    ...columnCountProblems(leaves.length, options.maxColumns),
    ...collisionProblems(leaves),
  ];
}

function topicProblems(document: JsonObject, topic: string | undefined): SchemaProblem[] {
  const stated = document['x-topic'];
  if (topic === undefined || typeof stated !== 'string' || stated === topic) return [];
  return [
    {
      code: 'TOPIC_MISMATCH',
      path: '/x-topic',
      message: `the file is for the topic ${topic}, and says ${JSON.stringify(stated)}`,
      hint: `write "x-topic": "${topic}", or move the file to the folder of its topic`,
    },
  ];
}

function requiredProblems(node: JsonObject, pointer: string): SchemaProblem[] {
  const { required, properties } = node;
  if (!Array.isArray(required) || !isObject(properties)) return [];
  return required.flatMap((name: unknown, index) =>
    typeof name !== 'string' || Object.hasOwn(properties, name)
      ? []
      : [
          {
            code: 'REQUIRED_UNKNOWN',
            path: pointerTo(pointer, 'required', index),
            message: `${JSON.stringify(name)} is required but not among the properties`,
            hint: 'add it to "properties", or mend the spelling',
          },
        ],
  );
}

function nameProblems({ path, pointer }: FieldVisit): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const name = path.at(-1);
  if (name === '__proto__') {
    problems.push({
      code: 'UNSAFE_NAME',
      path: pointer,
      message: '"__proto__" cannot be the name of a field',
      hint: 'rename it at the producer: in many languages it changes the object instead of adding a member',
    });
  }
  if (name === '') {
    problems.push({
      code: 'EMPTY_NAME',
      path: pointer,
      message: 'a field without a name',
      hint: 'name it',
    });
  }
  if (path.length === MAX_DEPTH + 1) {
    problems.push({
      code: 'TOO_DEEP',
      path: pointer,
      message: `fields are flattened up to ${MAX_DEPTH} levels; this one lies deeper`,
      hint: 'what lies deeper goes to rescued_data: leave it out of the schema',
    });
  }
  const column = columnName(path);
  if (column.length > MAX_COLUMN_NAME) {
    problems.push({
      code: 'COLUMN_NAME_TOO_LONG',
      path: pointer,
      message: `its column name has ${column.length} characters; ${MAX_COLUMN_NAME} is the most`,
      hint: 'shorten the names on the way to it',
    });
  }
  return problems;
}

function columnCountProblems(columns: number, maxColumns: number): SchemaProblem[] {
  if (columns <= maxColumns) return [];
  return [
    {
      code: 'TOO_MANY_COLUMNS',
      path: '/properties',
      message: `${columns} columns; ${maxColumns} is the most`,
      hint: 'keep rarely used parts as an array or in a topic of their own; what has no column stays in rescued_data',
    },
  ];
}

function collisionProblems(leaves: readonly FieldVisit[]): SchemaProblem[] {
  return [...collisions(leaves)].flatMap(([column, [first, ...others]]) =>
    others.map(({ pointer }) => ({
      code: 'COLUMN_COLLISION',
      path: pointer,
      message: `ends in the column ${column}, as ${first?.pointer ?? ''} does`,
      hint: 'keep one of the two: names differ by more than case, punctuation and nesting',
    })),
  );
}

function leafProblems({ field, pointer }: FieldVisit): SchemaProblem[] {
  return [
    ...rangeProblems(field, pointer),
    ...exactnessProblems(field, pointer),
    ...decimalProblems(field, pointer),
    ...patternProblems(field, pointer),
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
        code: 'EMPTY_RANGE',
        path: pointerTo(pointer, low),
        message: `nothing is between ${low} ${from} and ${high} ${to}`,
        hint: `make ${low} smaller or ${high} greater`,
      },
    ];
  });
}

/** Whole numbers past 2^53 are rounded when this file is read here, and not when Python reads it: the two would differ. */
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
    typeof value !== 'number' || (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)))
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

function patternProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const pattern = field['pattern'];
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN) return [];
  const verdict = checkPattern(pattern);
  if (verdict.ok) return [];
  return [
    {
      code: verdict.code,
      path: pointerTo(pointer, 'pattern'),
      message: verdict.message,
      hint: 'a safe pattern starts with ^, and at each point the next character decides the way: ^[A-Z]{2}[0-9]{8}$',
    },
  ];
}
