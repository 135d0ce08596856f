import { WORDS_OF_TYPE } from '../keywords/words';
import { numberReader, type NumberAt } from '../json/exact-number';
import { isObject, pointerTo, type JsonObject } from '../json/value';
import { GrowthAnalyser } from '../pattern/growth-analyser';
import { mayBeSlow } from '../pattern/safety';
import { columnName, memberPrefix } from '../schema/columns';
import {
  athenaTypeOf,
  fieldsOf,
  formerNamesOf,
  isFlattened,
  isOpaque,
  typesOf,
  undeclaredOf,
  type SchemaColumn,
  type Undeclared,
} from '../schema/model';

/** The column that a violation of a rule about the whole payload names. */
export const ROOT_COLUMN = '$';

/**
 * The keywords that assert, in the order in which a value's violations are listed. `minContains` and `maxContains` belong
 * to `contains`, `then` and `else` to `if`. KEYWORDS in scripts/glue/lean_ops/validation/json_value.py is the same list.
 */
export const RULE_KEYWORDS = [
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'items',
  'prefixItems',
  'contains',
  'properties',
  'required',
  'patternProperties',
  'additionalProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'dependentSchemas',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  '$ref',
] as const;
export type RuleKeyword = (typeof RULE_KEYWORDS)[number];

/** The keywords by which a flattened object is judged as a whole, in the order in which they are reported. */
export const OBJECT_ASSERTIONS = [
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'dependentSchemas',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
] as const satisfies readonly RuleKeyword[];

/** How long patterns are looked at, in milliseconds for all of a schema. */
const PATTERN_BUDGET_MS = 2_000;

/** A schema and where it stands in the file: an object or a boolean. */
export interface SchemaAt {
  readonly schema: unknown;
  readonly pointer: string;
}

/** The forms beyond RFC 3339 that the times of a field may have. */
export interface TimeForms {
  /** What a number counts since 1970; undefined where times are texts. */
  readonly unit: 's' | 'ms' | 'us' | undefined;
  /** The IANA name of the zone in which a time without an offset is; undefined where none may be without. */
  readonly zone: string | undefined;
  /** Whether the offset may be shorter, and the seconds may be missing. */
  readonly lenient: boolean;
}

export const RFC_3339: TimeForms = { unit: undefined, zone: undefined, lenient: false };

/**
 * A leaf of a schema as rows are validated by it. The twin is `Field` in
 * scripts/glue/lean_ops/validation/topic_schema.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
export interface ValidationField extends Pick<
  SchemaColumn,
  'pointer' | 'column' | 'jsonType' | 'athenaType' | 'cde' | 'required'
> {
  readonly kind: 'field';
  /** Whether an object in it is kept as the text that was sent: in columns it is from before that. */
  readonly opaque: boolean;
  /** The types that its value may have, in the order of the alphabet, never integer beside number. */
  readonly types: readonly string[];
  readonly times: TimeForms;
  /** The beginning of the columns that an object in the field's place would have. */
  readonly memberPrefix: string;
  /** Column names of the objects around it, outermost first. */
  readonly parents: readonly string[];
  /** The columns that it had in older events, in the order in which its value is looked for there. */
  readonly formerColumns: readonly FormerColumn[];
  /** The field in the schema. */
  readonly spec: JsonObject;
  /** The keywords that say something of its types, but for a format that the column's type has. */
  readonly constraints: readonly RuleKeyword[];
}

/** A column that a field had in older events, and the beginning of the columns that an object in its place would have. */
export interface FormerColumn {
  readonly column: string;
  readonly memberPrefix: string;
}

/**
 * An object inside the payload, or the payload itself. It has no column in Curated, and one in Standardized only where a
 * payload had an empty object or another value in its place.
 */
export interface ValidationObject {
  readonly kind: 'object';
  readonly pointer: string;
  readonly column: string;
  /** The names on the way to it. */
  readonly path: readonly string[];
  /** The beginning of its members' columns. */
  readonly memberPrefix: string;
  readonly required: boolean;
  /** Whether a row that breaks one of its assertions is rejected. */
  readonly cde: boolean;
  readonly parents: readonly string[];
  /** The object in the schema. */
  readonly spec: JsonObject;
  /** The keywords by which it is judged as a whole. */
  readonly assertions: readonly RuleKeyword[];
}

/** A topic schema as rows are validated by it; fields and objects are in the order of the file. */
export interface ValidationSchema {
  readonly fields: readonly ValidationField[];
  readonly objects: readonly ValidationObject[];
  /** The payload, of which the column is ROOT_COLUMN, and which no row lacks. */
  readonly root: ValidationObject;
  readonly undeclared: Undeclared;
  /** The number at a pointer as the file has it: JSON.parse would round it, and the Curated job does not. */
  readonly numberAt: NumberAt;
  /** What a `$ref` leads to; undefined for one that leads nowhere. */
  readonly definition: (ref: string) => SchemaAt | undefined;
  /** The keyword of a schema where it counts: neither absent nor named by `x-not-enforced`. */
  readonly has: (at: SchemaAt, keyword: string) => boolean;
  /** Whether a backtracking engine may take the square of a text's length for a pattern. */
  readonly isSlow: (pattern: string) => boolean;
}

/**
 * Reads the rules of a schema.
 *
 * @param text the text of a schema in its normal form, as checkSchema gives it
 * @param document the same text as JSON.parse reads it
 */
export function readValidationSchema(text: string, document: JsonObject): ValidationSchema {
  const fields: ValidationField[] = [];
  const objects: ValidationObject[] = [];
  const has = enforced(document);
  const assertionsOf = (spec: JsonObject, pointer: string) =>
    OBJECT_ASSERTIONS.filter((keyword) => has({ schema: spec, pointer }, keyword));
  for (const { path, pointer, field, required } of fieldsOf(document)) {
    const parents = path.slice(1).map((_, index) => columnName(path.slice(0, index + 1)));
    const common = {
      pointer,
      column: columnName(path),
      memberPrefix: memberPrefix(path),
      required,
      cde: field['x-cde'] === true,
      parents,
      spec: field,
    };
    const opaque = isOpaque(field);
    if (isFlattened(field)) {
      objects.push({ kind: 'object', ...common, path, assertions: assertionsOf(field, pointer) });
      continue;
    }
    const athenaType = opaque ? 'string' : athenaTypeOf(field);
    if (athenaType === undefined) continue;
    const stated = typesOf(field);
    const types = stated.includes('number') ? stated.filter((type) => type !== 'integer') : stated;
    const isTime = athenaType === 'date' || athenaType === 'timestamp';
    const asserts = (keyword: RuleKeyword) =>
      has({ schema: field, pointer }, keyword) &&
      concerns(keyword, types) &&
      !(keyword === 'format' && isTime && types.length === 1 && types[0] === 'string');
    fields.push({
      kind: 'field',
      ...common,
      opaque,
      types,
      jsonType: types.join('|'),
      athenaType,
      times: timeForms(field),
      formerColumns: formerNamesOf(field).map((former) => ({
        column: former.column,
        memberPrefix: memberPrefix(former.path),
      })),
      constraints: RULE_KEYWORDS.filter(asserts),
    });
  }
  const analyser = new GrowthAnalyser(PATTERN_BUDGET_MS);
  return {
    fields,
    objects,
    root: {
      kind: 'object',
      pointer: '',
      column: ROOT_COLUMN,
      path: [],
      memberPrefix: '',
      required: true,
      cde: document['x-cde'] === true,
      parents: [],
      spec: document,
      assertions: assertionsOf(document, ''),
    },
    undeclared: undeclaredOf(document),
    numberAt: numberReader(text),
    definition: (ref) => definitionOf(document, ref),
    has,
    isSlow: (pattern) => mayBeSlow(pattern, analyser),
  };
}

/** Whether a keyword can say something of a value of one of the types. */
export function concerns(keyword: string, types: readonly string[]): boolean {
  const type = WORDS_OF_TYPE.get(keyword);
  return type === undefined || types.includes(type) || (type === 'number' && types.includes('integer'));
}

function timeForms(field: JsonObject): TimeForms {
  const unit = /^timestamp\((s|ms|us)\)$/.exec(String(field['x-type']))?.[1] as TimeForms['unit'];
  const zone = field['x-time-zone'];
  return {
    unit,
    zone: typeof zone === 'string' ? zone : undefined,
    lenient: field['x-time-forms'] === 'lenient',
  };
}

function definitionOf(document: JsonObject, ref: string): SchemaAt | undefined {
  const definitions = document['$defs'];
  const segment = /^#\/\$defs\/([^/]+)$/.exec(ref)?.[1];
  if (segment === undefined || !isObject(definitions)) return undefined;
  const name = decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
  return Object.hasOwn(definitions, name)
    ? { schema: definitions[name], pointer: pointerTo('/$defs', name) }
    : undefined;
}

function enforced(document: JsonObject): ValidationSchema['has'] {
  const namesOf = (schema: JsonObject): readonly unknown[] => {
    const named = schema['x-not-enforced'];
    return Array.isArray(named) ? named : [];
  };
  const pointers = new Set(namesOf(document));
  return ({ schema, pointer }, keyword) =>
    isObject(schema) &&
    Object.hasOwn(schema, keyword) &&
    !namesOf(schema).includes(keyword) &&
    !pointers.has(pointerTo(pointer, keyword));
}
