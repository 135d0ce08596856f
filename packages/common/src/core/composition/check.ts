import { MAX_COLUMNS } from '../schema/columns';
import { isReadable, numberReader } from '../json/exact-number';
import { describeSyntaxError } from '../json/describe-syntax-error';
import { readJsonSource, type DuplicateKey, type JsonNumber, type JsonSourceResult } from '../json/source-map';
import { depthUpTo, isObject, type JsonObject } from '../json/value';
import { metaSchemaProblems } from '../schema/meta-schema';
import { readTopicSchema, type TopicSchema } from '../schema/model';
import { isWarning, shown, type SchemaProblem } from '../problem';
import { normalForm } from './normal-form';
import { semanticProblems } from '../schema/semantics';

export const MAX_SCHEMA_BYTES = 1_048_576;
/** Levels of objects and arrays in a schema file; 16 levels of fields take 33. */
export const MAX_FILE_DEPTH = 64;
/** Milliseconds for the analysis of all patterns, so that a check answers within a second. */
const PATTERN_BUDGET_MS = 700;

export type SchemaCheck =
  | {
      readonly ok: true;
      readonly schema: TopicSchema;
      /** The schema in its normal form, by which rows are judged: its text, and the same as JSON.parse reads it. */
      readonly text: string;
      readonly document: JsonObject;
      /** Whether the author's file states its version. */
      readonly statesVersion: boolean;
      /** The place in the author's file for a JSON pointer into the document. */
      readonly sourceOf: (pointer: string) => string;
      /** What the author should know, and what refuses nothing. */
      readonly warnings: readonly SchemaProblem[];
    }
  /** `problems` has the warnings, too. */
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

export interface SchemaCheckOptions {
  /** The topic of the folder that the schema lies in; undefined where that is not known. */
  readonly topic?: string;
  /** The version of a file that states none; 1 where it is not given. */
  readonly version?: number;
  readonly maxColumns?: number;
  /** Milliseconds for the analysis of patterns that are not plainly safe, all of them together; 700 by default. */
  readonly patternBudgetMs?: number;
}

function refused(code: string, message: string, hint: string): SchemaCheck {
  return { ok: false, problems: [{ code, path: '', message, hint }] };
}

/** The refusal of a file over {@link MAX_SCHEMA_BYTES}, for callers that need not read it to know. */
export function tooLarge(bytes: number): SchemaProblem {
  return {
    code: 'SCHEMA_TOO_LARGE',
    path: '',
    message: `the file has ${bytes} bytes, and ${MAX_SCHEMA_BYTES} are allowed`,
    hint: 'shorten descriptions and examples, or split the topic',
  };
}

/**
 * Checks the text of a topic schema: its size, its JSON, the meta-schema, and the rules that no meta-schema can state.
 * Gives every problem at once, in the order of the file, and throws for no text.
 */
export function checkSchema(text: string, options: SchemaCheckOptions = {}): SchemaCheck {
  const { topic, version = 1, maxColumns = MAX_COLUMNS, patternBudgetMs = PATTERN_BUDGET_MS } = options;
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_SCHEMA_BYTES) return { ok: false, problems: [tooLarge(bytes)] };
  if (text.startsWith('\uFEFF')) {
    return refused('BYTE_ORDER_MARK', 'the file starts with a byte order mark', 'save it as UTF-8 without BOM');
  }
  if (text.trim() === '') {
    return refused('EMPTY_FILE', 'the file is empty', 'write a schema, or delete the file');
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return notJson(text);
  }
  if (!isObject(document)) {
    return refused('NOT_AN_OBJECT', 'the file is not a JSON object', 'start with { "$schema": …, "x-topic": … }');
  }
  if (depthUpTo(document, MAX_FILE_DEPTH) > MAX_FILE_DEPTH) {
    return refused('SCHEMA_TOO_DEEP', `the file has more than ${MAX_FILE_DEPTH} levels`, 'flatten the schema');
  }
  const source = readJsonSource(text);
  const normal = normalForm(text, document, { topic, version, patternBudgetMs, maxColumns });
  const numberAt = numberReader(normal.text);
  const ofNormalForm = [
    ...metaSchemaProblems(normal.document),
    ...semanticProblems(normal.document, { topic, maxColumns, numberAt }),
  ].map((problem) => ({ ...problem, path: normal.sourceOf(problem.path) }));
  // What a reference would have brought is missing only because it led nowhere.
  const leadsNowhere = normal.problems.some(({ code }) =>
    ['REMOTE_REF', 'REF_UNKNOWN', 'REF_FILE_MISSING'].includes(code),
  );
  const own = leadsNowhere
    ? ofNormalForm.filter(({ code }) => !['REQUIRED_UNKNOWN', 'NO_FIELDS', 'EVENT_TIME_UNKNOWN'].includes(code))
    : ofNormalForm;
  const problems = inFileOrder(source, distinct([...sourceProblems(source), ...normal.problems, ...own]));
  if (!problems.every(isWarning)) return { ok: false, problems };
  const schema = readTopicSchema(normal.text, normal.document);
  return {
    ok: true,
    schema,
    text: normal.text,
    document: normal.document,
    statesVersion: Object.hasOwn(document, 'x-version'),
    sourceOf: normal.sourceOf,
    warnings: problems,
  };
}

/** One of several equal problems: a schema that two fields refer to is told of once. */
function distinct(problems: readonly SchemaProblem[]): SchemaProblem[] {
  return [...new Map(problems.map((one) => [`${one.code} ${one.path}`, one])).values()];
}

/** Describes where a text stops being JSON, in words of our own: JSON.parse's differ between versions of Node. */
function notJson(text: string): SchemaCheck {
  const source = readJsonSource(text);
  const { message, hint } = describeSyntaxError(text, source.ok ? { offset: 0, line: 1, column: 1 } : source.fault);
  return refused('NOT_JSON', message, hint);
}

/**
 * Finds what readers of JSON differ in: members that stand twice in one object, of which JSON.parse keeps the last one and
 * others the first, and numbers anywhere in the file, also in examples, that some of them cannot read.
 */
function sourceProblems(source: JsonSourceResult): SchemaProblem[] {
  if (!source.ok) return [];
  const unreadable = source.numbersWhere((number) => !isReadable(number));
  return [...source.duplicates.map(duplicateKey), ...unreadable.map(unreadableNumber)];
}

function unreadableNumber({ pointer, text }: JsonNumber): SchemaProblem {
  return {
    code: 'NUMBER_NOT_EXACT',
    path: pointer,
    message: `${text.length > 60 ? `${text.slice(0, 60)}…` : text} has an exponent past ±400 or more than 400 characters`,
    hint: 'write a shorter number, or leave it out',
  };
}

function duplicateKey({ pointer, key, positions }: DuplicateKey): SchemaProblem {
  const lines = [...new Set(positions.map(({ line }) => line))];
  const where = lines.length > 10 ? `${lines.slice(0, 10).join(', ')} …` : lines.join(', ');
  return {
    code: 'DUPLICATE_KEY',
    path: pointer,
    message: `${shown(key)} occurs ${positions.length} times in one object: ${lines.length > 1 ? 'lines' : 'line'} ${where}`,
    hint: 'keep one: programs differ in which of them they read',
  };
}

/** The problems as their places follow each other in the file. What is missing has the place of what should hold it. */
function inFileOrder(source: JsonSourceResult, problems: readonly SchemaProblem[]): SchemaProblem[] {
  const placed = problems.map((problem) => ({ problem, at: source.ok ? source.locate(problem.path).offset : 0 }));
  return placed
    .sort((a, b) => a.at - b.at || compare(a.problem.path, b.problem.path) || compare(a.problem.code, b.problem.code))
    .map(({ problem }) => problem);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
