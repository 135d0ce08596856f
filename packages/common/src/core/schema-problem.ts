/** One thing wrong with a topic schema. */
export interface SchemaProblem {
  /** Stable, to branch on. */
  readonly code: string;
  /** JSON pointer into the schema file; empty for the file itself. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

const ALLOWED =
  'enforced keywords: type, format, required, enum, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, ' +
  'maxLength, pattern, properties, x-type, x-cde';

/** What to write instead of a JSON Schema keyword that the pipeline does not enforce. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['$ref', 'write the fields out where they are used: a topic schema stands alone'],
  ['$defs', 'write the fields out where they are used: a topic schema stands alone'],
  ['definitions', 'write the fields out where they are used: a topic schema stands alone'],
  ['$id', 'leave it out: x-topic and x-version name this schema'],
  ['$anchor', 'leave it out: a topic schema stands alone'],
  ['$vocabulary', 'leave it out'],
  ['const', 'write "enum" with the one value'],
  ['default', 'leave it out: a missing value is NULL, and no value is ever made up'],
  ['multipleOf', 'leave it out, or fix the decimals with "x-type": "decimal(p,s)"'],
  ['additionalProperties', 'leave it out: a new member becomes a column of Standardized and a line in drift_log'],
  ['unevaluatedProperties', 'leave it out: a new member becomes a column of Standardized and a line in drift_log'],
  ['patternProperties', 'name each field under "properties"'],
  ['propertyNames', 'name each field under "properties"'],
  ['minProperties', 'list what must be there under "required"'],
  ['maxProperties', 'leave it out: further members become columns of Standardized'],
  ['dependentRequired', 'list what must always be there under "required"'],
  ['dependentSchemas', 'split the topic, or check it where the data is used'],
  ['oneOf', 'one field has one type: give each form a field or a topic of its own'],
  ['anyOf', 'one field has one type: give each form a field or a topic of its own'],
  ['allOf', 'write the fields out in one place'],
  ['not', 'say what is allowed: enum, pattern, minimum, maximum'],
  ['if', 'split the topic, or check it where the data is used'],
  ['then', 'split the topic, or check it where the data is used'],
  ['else', 'split the topic, or check it where the data is used'],
  ['minItems', 'arrays are kept as JSON text and not checked inside'],
  ['maxItems', 'arrays are kept as JSON text and not checked inside'],
  ['uniqueItems', 'arrays are kept as JSON text and not checked inside'],
  ['prefixItems', 'arrays are kept as JSON text and not checked inside'],
  ['contains', 'arrays are kept as JSON text and not checked inside'],
  ['contentEncoding', 'leave it out: a string is kept as it is'],
  ['contentMediaType', 'leave it out: a string is kept as it is'],
  ['nullable', 'leave it out: every field but a critical one may be null'],
  ['x-cdc', 'did you mean "x-cde"?'],
]);

export function insteadOf(keyword: string): string {
  return INSTEAD.get(keyword) ?? `take it out, or mend the spelling (${ALLOWED})`;
}
