import { columnName, memberPrefix } from '../schema/columns';
import { numberReader } from '../json/exact-number';
import { pointerTo, type JsonObject } from '../json/value';
import {
  athenaTypeOf,
  CONSTRAINT_KEYWORDS,
  fieldsOf,
  formerNamesOf,
  isFlattened,
  isOpaque,
  type Constraints,
  type SchemaColumn,
} from '../schema/model';

export type ConstraintKeyword = Exclude<keyof Constraints, 'others'>;

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
  /** The beginning of the columns that an object in the field's place would have. */
  readonly memberPrefix: string;
  /** Column names of the objects around it, outermost first. */
  readonly parents: readonly string[];
  /** The columns that it had in older events, in the order in which its value is looked for there. */
  readonly formerColumns: readonly FormerColumn[];
  readonly constraints: readonly ValidationConstraint[];
}

/** A column that a field had in older events, and the beginning of the columns that an object in its place would have. */
export interface FormerColumn {
  readonly column: string;
  readonly memberPrefix: string;
}

/**
 * An object inside the payload. It has no column in Curated, and one in Standardized only where a payload had an empty
 * object or another value in its place.
 */
export interface ValidationObject {
  readonly kind: 'object';
  readonly pointer: string;
  readonly column: string;
  /** The beginning of its members' columns. */
  readonly memberPrefix: string;
  readonly required: boolean;
  readonly parents: readonly string[];
}

export type ValidationConstraint =
  | { readonly keyword: 'enum'; readonly values: readonly (string | number)[] }
  | { readonly keyword: 'pattern'; readonly pattern: string }
  /** `text` is the number as the file has it: JSON.parse would round it, and the Curated job does not. */
  | { readonly keyword: Exclude<ConstraintKeyword, 'enum' | 'pattern'>; readonly text: string };

/** A topic schema as rows are validated by it; fields and objects are in the order of the file. */
export interface ValidationSchema {
  readonly fields: readonly ValidationField[];
  readonly objects: readonly ValidationObject[];
}

/**
 * Reads the rules of a schema.
 *
 * @param text the text of a schema that checkSchema accepts
 * @param document the same text as JSON.parse reads it
 */
export function readValidationSchema(text: string, document: JsonObject): ValidationSchema {
  const numberAt = numberReader(text);
  const fields: ValidationField[] = [];
  const objects: ValidationObject[] = [];
  for (const { path, pointer, field, required } of fieldsOf(document)) {
    const parents = path.slice(1).map((_, index) => columnName(path.slice(0, index + 1)));
    const common = { pointer, column: columnName(path), memberPrefix: memberPrefix(path), required, parents };
    const opaque = isOpaque(field);
    if (isFlattened(field)) {
      objects.push({ kind: 'object', ...common });
      continue;
    }
    const athenaType = opaque ? 'string' : athenaTypeOf(field);
    if (athenaType === undefined) continue;
    fields.push({
      kind: 'field',
      ...common,
      opaque,
      jsonType: String(field['type']),
      athenaType,
      cde: field['x-cde'] === true,
      formerColumns: formerNamesOf(field).map((former) => ({
        column: former.column,
        memberPrefix: memberPrefix(former.path),
      })),
      constraints: CONSTRAINT_KEYWORDS.filter((keyword) => field[keyword] !== undefined).map((keyword) =>
        constraintOf(keyword, field[keyword], () => numberAt(pointerTo(pointer, keyword))),
      ),
    });
  }
  return { fields, objects };
}

function constraintOf(keyword: ConstraintKeyword, value: unknown, number: () => string): ValidationConstraint {
  if (keyword === 'enum') return { keyword, values: value as readonly (string | number)[] };
  if (keyword === 'pattern') return { keyword, pattern: String(value) };
  return { keyword, text: number() };
}
