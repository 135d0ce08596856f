import { describe, expect, it } from '@jest/globals';
import addFormats from 'ajv-formats';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { columnName } from '../../../src/core/schema/columns';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import { checkSchema } from '../../../src/core/schema/check';
import { groups, payloadOf, schemaText, type VerdictGroup } from './verdict-table';

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
addFormats(ajv);
for (const keyword of ['x-topic', 'x-version', 'x-type', 'x-cde', 'x-renamed-from']) ajv.addKeyword(keyword);

/** The document of a group's schema, which must be one that may go live today, or could before a rule was added. */
function documentOf(group: VerdictGroup): JsonObject {
  const text = schemaText(group);
  const check = checkSchema(text);
  const codes = check.ok ? [] : [...new Set(check.problems.map(({ code }) => code))];
  expect(codes).toEqual(group.refused_now === undefined ? [] : [group.refused_now]);
  return JSON.parse(text) as JsonObject;
}

/** The column and keyword of an error. An error inside an array counts for the array, with the keyword `items`. */
function placeOf({ instancePath, keyword, params }: ErrorObject, document: JsonObject): [string, string] {
  const segments = instancePath.split('/').slice(1);
  if (keyword === 'required') segments.push(String((params as { missingProperty: unknown }).missingProperty));
  const path: string[] = [];
  let node = document;
  for (const segment of segments) {
    if (node['type'] === 'array') return [columnName(path), 'items'];
    const properties = node['properties'];
    const next: unknown = isObject(properties) ? properties[segment] : undefined;
    if (!isObject(next)) throw new Error(`an error at ${instancePath}, which the schema does not name`);
    node = next;
    path.push(segment);
  }
  return [path.length === 0 ? 'payload' : columnName(path), keyword];
}

function verdictOf(errors: readonly ErrorObject[], document: JsonObject): string {
  const places = errors.map((error) => placeOf(error, document));
  // For a value of the wrong type ajv also reports the enum, which adds nothing.
  const ofWrongType = new Set(places.filter(([, keyword]) => keyword === 'type').map(([column]) => column));
  const broken = places
    .filter(([column, keyword]) => keyword === 'type' || !ofWrongType.has(column))
    .map(([column, keyword]) => (column === 'v' ? keyword : `${column}: ${keyword}`));
  return broken.length === 0 ? 'valid' : [...new Set(broken)].sort().join(', ');
}

describe.each(groups)("JSON Schema's verdict on $name", (group) => {
  it('is the one in the table', () => {
    const document = documentOf(group);
    const validate = ajv.compile(document);
    const verdicts = group.cases.map((one) => {
      const payload = payloadOf(one);
      validate(JSON.parse(payload));
      return [payload, verdictOf(validate.errors ?? [], document)];
    });
    expect(verdicts).toEqual(group.cases.map((one) => [payloadOf(one), one.json_schema]));
  });
});
