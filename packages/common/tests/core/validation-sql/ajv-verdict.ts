import addFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { columnName } from '../../../src/core/schema/columns';
import { isObject, type JsonObject } from '../../../src/core/json/value';

/** The keywords that assert, in the order in which the Curated job lists what a value breaks. */
const ASSERTIONS = [
  ...['enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['minItems', 'maxItems', 'uniqueItems', 'items', 'prefixItems', 'contains'],
  ...['properties', 'required', 'patternProperties', 'additionalProperties', 'propertyNames'],
  ...['minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas'],
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if'],
];
/** Words that belong to another keyword, and say nothing without it. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  contains: ['minContains', 'maxContains'],
  if: ['then', 'else'],
  items: ['prefixItems'],
  additionalProperties: ['patternProperties'],
};

// Words of ours and formats that nobody knows mean nothing to a validator.
const ajv = new Ajv2020({ allErrors: true, strict: false, strictNumbers: true, logger: false });
addFormats(ajv);

const compiled = new Map<string, ValidateFunction>();

function isValid(schema: JsonObject, value: unknown): boolean {
  const text = JSON.stringify(schema);
  const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text) as JsonObject);
  compiled.set(text, validate);
  return validate(value);
}

/** Whether ajv finds a keyword of a schema broken, alone with the words that belong to it. */
function isBroken(keyword: string, schema: JsonObject, definitions: JsonObject, value: unknown): boolean {
  // Only what names are declared counts for additionalProperties, and only how many items come before for items.
  const around = (COMPANIONS[keyword] ?? []).filter((word) => schema[word] !== undefined);
  const own = Object.fromEntries([keyword, ...around].map((word) => [word, schema[word]]));
  if (keyword === 'items' && Array.isArray(own['prefixItems'])) {
    own['prefixItems'] = own['prefixItems'].map(() => true);
  }
  if (keyword === 'additionalProperties') {
    const declared = isObject(schema['properties']) ? Object.keys(schema['properties']) : [];
    own['properties'] = Object.fromEntries(declared.map((name) => [name, true]));
    const patterns = isObject(own['patternProperties']) ? Object.keys(own['patternProperties']) : [];
    own['patternProperties'] = Object.fromEntries(patterns.map((pattern) => [pattern, true]));
  }
  return !isValid({ $defs: definitions, ...own }, value);
}

function* brokenAt(
  node: JsonObject,
  value: unknown,
  path: readonly string[],
  definitions: JsonObject,
): Generator<readonly [path: readonly string[], keyword: string]> {
  if (node['type'] !== undefined && !isValid({ type: node['type'] }, value)) {
    yield [path, 'type'];
    return;
  }
  const { properties } = node;
  const isFlattened = node['type'] === 'object' && node['x-flatten'] !== false && isObject(properties);
  for (const keyword of ASSERTIONS) {
    const isOfMembers = isFlattened && (keyword === 'properties' || keyword === 'required');
    if (node[keyword] !== undefined && !isOfMembers && isBroken(keyword, node, definitions, value))
      yield [path, keyword];
  }
  if (!isFlattened || !isObject(value)) return;
  for (const name of (node['required'] ?? []) as string[]) {
    if (!Object.hasOwn(value, name)) yield [[...path, name], 'required'];
  }
  for (const [name, member] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) yield* brokenAt(member as JsonObject, value[name], [...path, name], definitions);
  }
}

function columnOf(path: readonly string[], keyword: string): string {
  if (path.length > 0) return columnName(path);
  return keyword === 'type' ? 'payload' : '$';
}

/** What ajv says of a payload as the table of verdicts writes it: `valid`, or each broken keyword with its column. */
export function ajvVerdict(document: JsonObject, payload: unknown): string {
  const definitions = isObject(document['$defs']) ? document['$defs'] : {};
  const broken = [...brokenAt(document, payload, [], definitions)].map(([path, keyword]) => {
    const column = columnOf(path, keyword);
    return column === 'v' ? keyword : `${column}: ${keyword}`;
  });
  const verdict = broken.length === 0 ? 'valid' : [...new Set(broken)].sort().join(', ');
  // Keyword by keyword must come to the same as the whole.
  if (isValid(document, payload) !== (verdict === 'valid')) throw new Error(`ajv is of two minds: ${verdict}`);
  return verdict;
}
