import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/core/json/value';
import { checkSchema } from '../../../src/core/composition/check';
import { ajvVerdict } from './ajv-verdict';
import { groups, payloadOf, schemaText, type VerdictGroup } from './verdict-table';

/** The document of a group's schema, which must be one that may go live today, or could before a rule was added. */
function documentOf(group: VerdictGroup): JsonObject {
  const text = schemaText(group);
  if (group.normal_form === true) return JSON.parse(text) as JsonObject;
  const check = checkSchema(text);
  const codes = check.ok ? [] : [...new Set(check.problems.map(({ code }) => code))];
  expect(codes).toEqual(group.refused_now === undefined ? [] : [group.refused_now]);
  return JSON.parse(text) as JsonObject;
}

describe.each(groups)("JSON Schema's verdict on $name", (group) => {
  it('is the one in the table', () => {
    const document = documentOf(group);
    const verdicts = group.cases.map((one) => {
      const payload = payloadOf(one);
      return [payload, ajvVerdict(document, JSON.parse(payload))];
    });
    expect(verdicts).toEqual(group.cases.map((one) => [payloadOf(one), one.json_schema]));
  });
});
