import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import typeTable from '../../../../../schemas/type-table.json';
import type { JsonObject } from '../../../src/core/json/value';
import { CONSTRAINT_KEYWORDS } from '../../../src/core/schema/model';
import { checkSchema } from '../../../src/core/composition/check';
import { differences, groups, payloadOf, schemaText, type VerdictGroup } from './verdict-table';

const cases = groups.flatMap((group) => group.cases.map((one) => ({ ...one, group: group.name })));

/** A field for each type that the pipeline has. */
const TYPES = typeTable.types.map((row): JsonObject => {
  const words = Object.entries(row).filter(([word]) => word !== 'column');
  return Object.fromEntries(words.map(([word, value]) => [word, value.replace('(p,s)', '(5,2)')]));
});
const VALUES: Readonly<Record<(typeof CONSTRAINT_KEYWORDS)[number], unknown>> = {
  enum: ['x'],
  minimum: 1,
  maximum: 1,
  exclusiveMinimum: 1,
  exclusiveMaximum: 1,
  minLength: 1,
  maxLength: 1,
  pattern: '^x$',
};

const titleOf = (field: JsonObject): string => Object.values(field).join(' ');

/** The groups with one field `v` of this type and exactly these further keywords. */
function groupsOf(type: JsonObject, ...words: string[]): VerdictGroup[] {
  return groups.filter(({ properties }) => {
    const field = properties['v'] as JsonObject | undefined;
    return (
      field !== undefined &&
      Object.keys(properties).length === 1 &&
      ['type', 'format', 'x-type'].every((word) => field[word] === type[word]) &&
      Object.keys(field).every((word) => word in type || words.includes(word)) &&
      words.every((word) => word in field)
    );
  });
}

function goesWith(type: JsonObject, keyword: (typeof CONSTRAINT_KEYWORDS)[number]): boolean {
  // All days are texts of one length, so none breaks a bound that another keeps.
  if (type['format'] === 'date' && (keyword === 'minLength' || keyword === 'maxLength')) return false;
  const value = keyword === 'enum' && type['type'] === 'integer' ? [1] : VALUES[keyword];
  const field = { ...type, [keyword]: value };
  const check = checkSchema(schemaText({ name: '', properties: { v: field }, cases: [] }));
  // A word that says nothing of the type is warned of.
  return check.ok && check.warnings.length === 0;
}

describe('the table of verdicts', () => {
  it('names every payload of a group once', () => {
    const names = cases.map((one) => `${one.group}: ${payloadOf(one)}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
  });

  it.each(TYPES.map((type) => [titleOf(type), type] as const))('has every JSON type for %s', (_title, type) => {
    const payloads = groupsOf(type)
      .filter(({ required }) => required === undefined)
      .flatMap((group) => group.cases.map(payloadOf));
    for (const value of ['"x"', '""', '5', '1.5', 'true', 'false', '[1]', '[]', '{}', '{"a":1}', 'null']) {
      expect(payloads).toContain(`{"v":${value}}`);
    }
    expect(payloads).toContain('{}');
  });

  it.each(TYPES.map((type) => [titleOf(type), type] as const))('has %s required, and critical', (_title, type) => {
    const required = groupsOf(type).filter((group) => group.required?.includes('v'));
    for (const obliged of [required, groupsOf(type, 'x-cde')]) {
      const payloads = obliged.flatMap((group) => group.cases.map(payloadOf));
      expect(payloads).toEqual(expect.arrayContaining(['{}', '{"v":null}', '{"v":{"a":1}}']));
      expect(obliged.flatMap((group) => group.cases.map((one) => one.json_schema))).toContain('valid');
    }
  });

  it.each(
    TYPES.flatMap((type) =>
      CONSTRAINT_KEYWORDS.filter((keyword) => goesWith(type, keyword)).map(
        (keyword) => [titleOf(type), keyword, type] as const,
      ),
    ),
  )('has %s with %s kept, broken, null and absent', (_title, keyword, type) => {
    const found = groupsOf(type, keyword).flatMap((group) => group.cases);
    const verdicts = found.map((one) => one.json_schema);
    expect(verdicts).toEqual(expect.arrayContaining(['valid', keyword]));
    expect(found.map(payloadOf)).toEqual(expect.arrayContaining(['{"v":null}', '{}']));
  });
});

describe('a difference between JSON Schema and the pipeline', () => {
  it('is one, and has a reason', () => {
    const wrong = cases.filter(({ json_schema, pipeline, because }) =>
      because === undefined ? pipeline !== undefined : pipeline === undefined || pipeline === json_schema,
    );
    expect(wrong).toEqual([]);
  });

  it('is explained once, and shown by a case', () => {
    const used = new Set(cases.flatMap(({ because }) => because ?? []));
    expect(differences.map(({ code }) => code).sort()).toEqual([...used].sort());
  });

  it('is in the documentation as the table has it', () => {
    const page = readFileSync(path.resolve(__dirname, '../../../../../docs/schema-verdicts.md'), 'utf8');
    const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
    expect(rows).toEqual(
      differences.map(({ code, what, why }) => {
        const example = cases.find(({ because }) => because === code)!;
        const shown = `\`${payloadOf(example)}\` (${example.group}): ${example.json_schema}, here ${String(example.pipeline)}`;
        return `| \`${code}\` | ${what} | ${why} | ${shown} |`;
      }),
    );
  });
});
