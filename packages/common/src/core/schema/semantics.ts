import { collisions, columnName, MAX_COLUMN_NAME, MAX_DEPTH, MAX_PATH_TEXT, memberPrefix, pathText } from './columns';
import { isWhole, type NumberAt } from '../json/exact-number';
import { isObject, pointerTo, type JsonObject } from '../json/value';
import { MAX_SUGGESTIONS, nearestWord } from '../json/nearest-word';
import { boundProblems } from './bounds';
import { eventTimeProblems } from './event-time';
import { statedTypes, typeOfValue } from '../keywords/types';
import { fieldsOf, isFlattened, isOpaque, judgesMembers, type FieldVisit } from './model';
import { notForType } from './type-advice';
import { partitionNames } from './partition';
import { renamedFromProblems } from './renamed-from';
import { shown, type SchemaProblem } from '../problem';
import { isTopicName } from '../topic';

/** The topic and limits that a schema is checked against. */
export interface SemanticOptions {
  readonly topic: string | undefined;
  readonly maxColumns: number;
  /** Gives the digits of the document's numbers. */
  readonly numberAt: NumberAt;
}

/**
 * The problems that no meta-schema can find: in names, collisions, contradictions and patterns. Checks whatever has the
 * right form, so that all problems of a file come at once with the meta-schema's.
 */
export function semanticProblems(document: JsonObject, options: SemanticOptions): SchemaProblem[] {
  const fields = [...fieldsOf(document)];
  const leaves = fields.filter(({ field }) => !isFlattened(field));
  return [
    ...topicProblems(document, options.topic),
    ...versionProblems(document, options.numberAt),
    ...breakingProblems(document),
    ...eventTimeProblems(document['x-event-time'], fields),
    ...requiredProblems(document, ''),
    ...fields.flatMap(({ field, pointer }) => requiredProblems(field, pointer)),
    ...fields.flatMap(nameProblems),
    ...leaves.flatMap((leaf) => leafProblems(leaf, options.numberAt)),
    ...(fields.length === 0 && isObject(document['properties'] ?? {}) ? [noFields(document)] : []),
    ...objectProblems(document, ''),
    ...fields.filter(({ field }) => isFlattened(field)).flatMap(({ field, pointer }) => objectProblems(field, pointer)),
    ...columnCountProblems(leaves.length, options.maxColumns),
    ...collisionProblems(leaves),
    ...opaqueMemberProblems(leaves),
    ...renamedFromProblems(fields),
    ...partitionProblems(document, leaves),
  ];
}

function topicProblems(document: JsonObject, topic: string | undefined): SchemaProblem[] {
  const stated = document['x-topic'];
  if (stated === undefined) {
    const hint = 'add "x-topic": the name of the folder the file lies in';
    return [{ code: 'MISSING_KEYWORD', path: '/x-topic', message: '"x-topic" is missing', hint }];
  }
  if (topic === undefined || typeof stated !== 'string' || stated === topic) return [];
  return [
    {
      code: 'TOPIC_MISMATCH',
      path: '/x-topic',
      message: `the file is for the topic ${topic}, but says ${shown(stated)}`,
      hint: isTopicName(topic)
        ? `write "x-topic": "${topic}", or move the file to the folder of its topic`
        : `rename the folder: ${shown(topic)} is not a topic name`,
    },
  ];
}

/** Finds a version that only rounding makes a whole number; the meta-schema refuses all others. */
function versionProblems(document: JsonObject, numberAt: NumberAt): SchemaProblem[] {
  const path = '/x-version';
  if (!Number.isInteger(document['x-version']) || isWhole(numberAt(path))) return [];
  return [
    {
      code: 'INVALID_VERSION',
      path,
      message: `${numberAt(path)} is not a whole number`,
      hint: 'write a whole number, 1 for the first version and one more for each change, without quotes',
    },
  ];
}

/** x-breaking and its reason go together: a break stays on record with why, and a reason alone would break nothing. */
function breakingProblems(document: JsonObject): SchemaProblem[] {
  const breaks = document['x-breaking'] === true;
  const reasoned = document['x-breaking-reason'] !== undefined;
  if (breaks === reasoned) return [];
  return [
    breaks
      ? {
          code: 'BREAKING_REASON_MISSING',
          path: '/x-breaking',
          message: 'x-breaking is set, and nothing says why',
          hint: 'write "x-breaking-reason": "…", which stays on record with the rebuild',
        }
      : {
          code: 'BREAKING_REASON_ALONE',
          path: '/x-breaking-reason',
          message: 'x-breaking-reason stands without "x-breaking": true',
          hint: 'write "x-breaking": true as well, or take the reason out',
        },
  ];
}

function requiredProblems(node: JsonObject, pointer: string): SchemaProblem[] {
  const { required, properties } = node;
  if (!Array.isArray(required)) return [];
  const list = pointerTo(pointer, 'required');
  const repeated = repeatProblems(required, list, 'REQUIRED_DUPLICATE', 'take one of the two out');
  if (!isObject(properties)) return repeated;
  const names = Object.keys(properties);
  const unknown = required.flatMap((name: unknown, index) =>
    typeof name === 'string' && !Object.hasOwn(properties, name) ? [{ name, index }] : [],
  );
  return [
    ...repeated,
    ...unknown.map(({ name, index }, count) => {
      const near = count < MAX_SUGGESTIONS ? nearestWord(name, names) : undefined;
      return {
        code: 'REQUIRED_UNKNOWN',
        path: pointerTo(list, index),
        message: `${shown(name)} is required, but no such field is under "properties"`,
        hint: near === undefined ? 'add it to "properties", or correct the spelling' : `did you mean ${shown(near)}?`,
      };
    }),
  ];
}

/** The problems with values that stand twice in a list of strings and numbers. */
function repeatProblems(list: unknown, pointer: string, code: string, hint: string): SchemaProblem[] {
  if (!Array.isArray(list)) return [];
  const first = new Map<unknown, number>();
  return list.flatMap((value: unknown, index) => {
    if (typeof value === 'object') return [];
    const before = first.get(value);
    if (before === undefined) first.set(value, index);
    return before === undefined
      ? []
      : [{ code, path: pointerTo(pointer, index), message: `${shown(value)} is in the list twice`, hint }];
  });
}

function nameProblems({ path, pointer }: FieldVisit): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const name = path.at(-1);
  if (name === '__proto__') {
    problems.push({
      code: 'UNSAFE_NAME',
      path: pointer,
      message: '"__proto__" cannot be the name of a field',
      hint: 'rename it at the producer: in many languages this name changes the object itself',
    });
  }
  if (name === '') {
    problems.push({
      code: 'EMPTY_NAME',
      path: pointer,
      message: 'the field has no name',
      hint: 'name it, or leave it out: events may have it nevertheless',
    });
  } else if (name !== undefined && !/[a-z0-9]/.test(columnName([name]))) {
    problems.push({
      code: 'NAME_WITHOUT_LETTERS',
      path: pointer,
      message: `the name ${shown(name)} has neither letters nor digits, so its column would be underscores only`,
      hint: 'rename it at the producer, or leave it out: events may have it nevertheless',
    });
  }
  if (path.length === MAX_DEPTH + 1) {
    problems.push({
      code: 'TOO_DEEP',
      path: pointer,
      message: `fields are flattened up to ${MAX_DEPTH} levels, and this one is deeper`,
      hint: 'leave it out of the schema: what is deeper goes to rescued_data',
    });
  }
  const column = columnName(path);
  if (column.length > MAX_COLUMN_NAME) {
    problems.push({
      code: 'COLUMN_NAME_TOO_LONG',
      path: pointer,
      message: `its column name has ${column.length} characters, and ${MAX_COLUMN_NAME} are allowed`,
      hint: 'shorten its name, or those of the objects around it',
    });
  } else if (Array.from(pathText(path)).length > MAX_PATH_TEXT) {
    problems.push({
      code: 'COLUMN_NAME_TOO_LONG',
      path: pointer,
      message: `its path has more than ${MAX_PATH_TEXT} characters, so it gets no column`,
      hint: 'shorten its name, or those of the objects around it',
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
      message: `the schema has ${columns} columns, and ${maxColumns} are allowed`,
      hint: 'move rarely used fields to a topic of their own, or leave them out: they stay in rescued_data',
    },
  ];
}

function collisionProblems(leaves: readonly FieldVisit[]): SchemaProblem[] {
  return [...collisions(leaves)].flatMap(([column, [first, ...others]]) =>
    others.map(({ pointer }) => ({
      code: 'COLUMN_COLLISION',
      path: pointer,
      message: `its column is ${column}, which ${first?.pointer ?? ''} has already`,
      hint: 'keep one of the two: case, punctuation and nesting alone do not make two columns',
    })),
  );
}

/**
 * Finds fields whose column is one that a member of an object kept whole would have had: rows that were taken in columns before the
 * object was kept so could not be told from events that have the field.
 */
function opaqueMemberProblems(leaves: readonly FieldVisit[]): SchemaProblem[] {
  const kept = leaves
    .filter(({ field }) => isOpaque(field))
    .map(({ path, pointer }) => ({ prefix: memberPrefix(path), pointer }));
  if (kept.length === 0) return [];
  return leaves.flatMap(({ path, pointer }) => {
    const column = columnName(path);
    const around = kept.find(({ prefix }) => column.startsWith(prefix));
    if (around === undefined) return [];
    return [
      {
        code: 'COLUMN_COLLISION',
        path: pointer,
        message: `its column ${column} is that of a member of ${around.pointer}, which is kept as one value`,
        hint: 'rename the field at the producer, or list the members of that object under "properties"',
      },
    ];
  });
}

/** Finds fields whose column has a name that the partition of Curated has or may have. */
function partitionProblems(document: JsonObject, leaves: readonly FieldVisit[]): SchemaProblem[] {
  const eventTime = leaves.find(({ path }) => pathText(path) === document['x-event-time']);
  const taken = partitionNames(eventTime && columnName(eventTime.path));
  return leaves
    .filter(({ path }) => taken.has(columnName(path)))
    .map(({ path, pointer }) => ({
      code: 'PARTITION_NAME',
      path: pointer,
      message: `${columnName(path)} is the name of Curated's partition, so no column can have it`,
      hint: 'rename the field at the producer, or leave it out: events may have it nevertheless',
    }));
}

/** Words at an object that say something only of a column, or of rules that it does not have. */
function objectProblems(node: JsonObject, pointer: string): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  for (const word of ['x-renamed-from', 'x-type']) {
    if (pointer !== '' && node[word] !== undefined) {
      problems.push({ path: pointerTo(pointer, word), ...notForType(word, node) });
    }
  }
  if (node['x-cde'] === true && !Object.keys(node).some((word) => judgesMembers(word, node))) {
    problems.push({
      code: 'CDE_ON_OBJECT',
      path: pointerTo(pointer, 'x-cde'),
      message: 'an object without rules of its own cannot be critical (x-cde): it has no column',
      hint: 'set "x-cde" on the fields inside it',
    });
  }
  return problems;
}

/** An event may have no fields, where its author says so. */
function noFields(document: JsonObject): SchemaProblem {
  const isStated = document['additionalProperties'] === false || isObject(document['properties']);
  return {
    code: 'NO_FIELDS',
    path: '/properties',
    message: 'the schema names no field',
    hint: 'list the members: "properties": { "device_id": { "type": "string" } }',
    ...(isStated && { severity: 'warning' as const }),
  };
}

function leafProblems({ field, pointer }: FieldVisit, numberAt: NumberAt): SchemaProblem[] {
  return [
    ...boundProblems(field, pointer, numberAt),
    ...repeatProblems(field['enum'], pointerTo(pointer, 'enum'), 'ENUM_DUPLICATE', 'take one of the two out'),
    ...enumTypeProblems(field, pointer),
    ...timeProblems(field, pointer),
  ];
}

/** Finds values that no value of the field's type equals. */
function enumTypeProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  const { enum: values, type } = field;
  const types = statedTypes(type);
  if (!Array.isArray(values) || types === undefined) return [];
  return values.flatMap((value: unknown, index) => {
    const own = typeOfValue(value);
    if (own !== undefined && (types.has(own) || (own === 'integer' && types.has('number')))) return [];
    return [
      {
        code: 'ENUM_VALUE_TYPE',
        path: pointerTo(pointer, 'enum', index),
        message: `${shown(value)} is not of the field's type`,
        hint: `list values of "type": ${shown(type)}; null is always allowed where x-cde is not set`,
      },
    ];
  });
}

/** x-time-zone and x-time-forms say how a date-time is written. */
function timeProblems(field: JsonObject, pointer: string): SchemaProblem[] {
  if (field['type'] === 'string' && field['format'] === 'date-time') return [];
  return ['x-time-zone', 'x-time-forms']
    .filter((word) => field[word] !== undefined && field['type'] === 'string')
    .map((word) => ({
      code: 'KEYWORD_NOT_FOR_TYPE',
      path: pointerTo(pointer, word),
      message: `"${word}" says how a date-time is written, and this is none`,
      hint: 'add "format": "date-time", or take it out',
    }));
}
