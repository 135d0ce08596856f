import { MAX_COLUMNS } from './columns';
import { depthUpTo, isObject, type JsonObject } from './json-value';
import { metaSchemaProblems } from './meta-schema';
import { readTopicSchema, type TopicSchema } from './schema-model';
import type { SchemaProblem } from './schema-problem';
import { semanticProblems } from './schema-semantics';
import { messageOf } from './errors';

export const MAX_SCHEMA_BYTES = 1_048_576;
/** Containers inside containers in the schema file: 16 levels of fields take 33. */
const MAX_FILE_DEPTH = 64;

export type SchemaCheck =
  | { readonly ok: true; readonly schema: TopicSchema; readonly document: JsonObject }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

export interface SchemaCheckOptions {
  /** The topic of the folder the schema lies in. */
  readonly topic?: string;
  readonly maxColumns?: number;
}

function refused(code: string, message: string, hint: string): SchemaCheck {
  return { ok: false, problems: [{ code, path: '', message, hint }] };
}

/** The refusal of a file over {@link MAX_SCHEMA_BYTES}, for callers that need not read it to know. */
export function tooLarge(bytes: number): SchemaProblem {
  return {
    code: 'SCHEMA_TOO_LARGE',
    path: '',
    message: `the file has ${bytes} bytes; ${MAX_SCHEMA_BYTES} is the most`,
    hint: 'shorten descriptions and examples, or split the topic',
  };
}

/**
 * Checks the text of a topic schema: bounds, JSON, meta-schema, and what no meta-schema can say. Gives every problem at
 * once, ordered by path, and never throws for any text.
 */
export function checkSchema(text: string, { topic, maxColumns = MAX_COLUMNS }: SchemaCheckOptions = {}): SchemaCheck {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_SCHEMA_BYTES) return { ok: false, problems: [tooLarge(bytes)] };
  if (text.startsWith('\uFEFF')) {
    return refused('BYTE_ORDER_MARK', 'the file starts with a byte order mark', 'save it as UTF-8 without BOM');
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return refused('NOT_JSON', messageOf(error), 'a schema file is one JSON object: no comments, no trailing commas');
  }
  if (!isObject(document)) {
    return refused('NOT_AN_OBJECT', 'the file holds no JSON object', 'start with { "$schema": …, "x-topic": … }');
  }
  if (depthUpTo(document, MAX_FILE_DEPTH) > MAX_FILE_DEPTH) {
    return refused('SCHEMA_TOO_DEEP', `more than ${MAX_FILE_DEPTH} levels in the file`, 'flatten the schema');
  }
  const problems = [...metaSchemaProblems(document), ...semanticProblems(document, { topic, maxColumns })];
  if (problems.length > 0) return { ok: false, problems: problems.sort(byPath) };
  return { ok: true, schema: readTopicSchema(document), document };
}

function byPath(a: SchemaProblem, b: SchemaProblem): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.code < b.code ? -1 : a.code > b.code ? 1 : 0;
}
