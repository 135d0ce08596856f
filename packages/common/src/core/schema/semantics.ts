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
    ...eventTimeProblems(document['x-event-time'], fields),
    ...requiredProblems(document, ''),
    ...fields.flatMap(({ field, pointer }) => requiredProblems(field, pointer)),
    ...fields.flatMap(nameProblems),
    ...leaves.flatMap((leaf) => leafProblems(leaf, analysers, options.numberAt)),
    ...columnCountProblems(leaves.length, options.maxColumns),
    ...collisionProblems(leaves),
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
      message: `the file is for the topic ${topic}, and says ${shown(stated)}`,
      hint: isTopicName(topic)
        ? `write "x-topic": "${topic}", or move the file to the folder of its topic`
        : `rename the folder: ${shown(topic)} is no topic name`,
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
      message: `${numberAt(path)} is no whole number`,
      hint: 'write a whole number, 1 for the first version and one more for each change, without quotes',
    },
  ];
}

function requiredProblems(node: JsonObject, pointer: string): SchemaProblem[] {
  const { required, properties } = node;
  if (!Array.isArray(required)) return [];
  const list = pointerTo(pointer, 'required');
  const repeated = repeatProblems(required, list, 'REQUIRED_DUPLICATE', 'once is enough: take one of the two out');
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
        message: `${shown(name)} is required but not among the properties`,
        hint: near === undefined ? 'add it to "properties", or mend the spelling' : `did you mean ${shown(near)}?`,
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
      : [{ code, path: pointerTo(pointer, index), message: `${shown(value)} stands in the list already`, hint }];
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
      hint: 'rename it at the producer: in many languages it changes the object instead of adding a member',
    });
  }
  if (name === '') {
    problems.push({
      code: 'EMPTY_NAME',
      path: pointer,
      message: 'a field without a name',
      hint: 'name it, or leave it out: events may have it all the same',
    });
  } else if (name !== undefined && !/[a-z0-9]/.test(columnName([name]))) {
    problems.push({
      code: 'NAME_WITHOUT_LETTERS',
      path: pointer,
      message: `of the name ${shown(name)} a column keeps only underscores: it has neither letters nor digits`,
      hint: 'rename it at the producer, or leave it out: events may have it all the same',
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
  } else if (Array.from(pathText(path)).length > MAX_PATH_TEXT) {
    problems.push({
      code: 'COLUMN_NAME_TOO_LONG',
      path: pointer,
      message: `its path has more than ${MAX_PATH_TEXT} characters, and such a path has no column`,
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
      hint: 'keep one of the two: column names must differ by more than case, punctuation and nesting',
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
      message: `${columnName(path)} is a name of Curated's partition, which no column can have beside it`,
      hint: 'rename the field at the producer, or leave it out: events may have it all the same',
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
