import { collisions, columnName, MAX_COLUMN_NAME, MAX_DEPTH, MAX_PATH_TEXT, pathText } from './columns';
import { isWhole, type NumberAt } from '../json/exact-number';
import { isObject, pointerTo, type JsonObject } from '../json/value';
import { GrowthAnalyser } from '../pattern/growth-analyser';
import { checkPattern, type PatternAnalysers } from '../pattern/safety';
import { MAX_SUGGESTIONS, nearestWord } from '../json/nearest-word';
import { boundProblems } from './bounds';
import { eventTimeProblems } from './event-time';
import { fieldsOf, type FieldVisit } from './model';
import { partitionNames } from './partition';
import { renamedFromProblems } from './renamed-from';
import { shown, type SchemaProblem } from '../problem';
import { isTopicName } from '../topic';

/** The topic and limits that a schema is checked against. */
export interface SemanticOptions {
  readonly topic: string | undefined;
  readonly maxColumns: number;
  /** Milliseconds that the analysis of all patterns together may take. */
  readonly patternBudgetMs: number;
  /** Gives the digits of the document's numbers. */
  readonly numberAt: NumberAt;
}

/** Characters of a pattern that is analysed; the meta-schema refuses longer ones. */
const MAX_PATTERN = 512;
/** Milliseconds for examples of texts that refused patterns are slow on. */
const EXPLANATION_BUDGET_MS = 100;

/**
 * The problems that no meta-schema can find: in names, collisions, contradictions and patterns. Checks whatever has the
 * right form, so that all problems of a file come at once with the meta-schema's.
 */
export function semanticProblems(document: JsonObject, options: SemanticOptions): SchemaProblem[] {
  const fields = [...fieldsOf(document)];
  const analysers: PatternAnalysers = {
    decide: new GrowthAnalyser(options.patternBudgetMs),
    // It has a budget of its own, so that explaining a refused pattern takes no time from one that may be safe.
    explain: new GrowthAnalyser(EXPLANATION_BUDGET_MS),
  };
  const leaves = fields.filter(({ field }) => field['type'] !== 'object');
  return [
    ...topicProblems(document, options.topic),
    ...versionProblems(document, options.numberAt),
    ...breakingProblems(document),
    ...eventTimeProblems(document['x-event-time'], fields),
    ...requiredProblems(document, ''),
    ...fields.flatMap(({ field, pointer }) => requiredProblems(field, pointer)),
    ...fields.flatMap(nameProblems),
    ...leaves.flatMap((leaf) => leafProblems(leaf, analysers, options.numberAt)),
    ...columnCountProblems(leaves.length, options.maxColumns),
    ...collisionProblems(leaves),
    ...renamedFromProblems(fields),
    ...partitionProblems(document, leaves),
  ];
}

function topicProblems(document: JsonObject, topic: string | undefined): SchemaProblem[] {
  const stated = document['x-topic'];
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

function leafProblems(
  { field, pointer }: FieldVisit,
  analysers: PatternAnalysers,
  numberAt: NumberAt,
): SchemaProblem[] {
  return [
    ...boundProblems(field, pointer, numberAt),
    ...repeatProblems(field['enum'], pointerTo(pointer, 'enum'), 'ENUM_DUPLICATE', 'take one of the two out'),
    ...patternProblems(field, pointer, analysers),
  ];
}

function patternProblems(field: JsonObject, pointer: string, analysers: PatternAnalysers): SchemaProblem[] {
  const pattern = field['pattern'];
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN) return [];
  const verdict = checkPattern(pattern, analysers);
  if (verdict.ok) return [];
  const { code, message, hint } = verdict;
  return [{ code, path: pointerTo(pointer, 'pattern'), message, hint }];
}
