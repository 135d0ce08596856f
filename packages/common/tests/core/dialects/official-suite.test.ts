/** The official test suite of JSON Schema, in the package's draft-04: a translated schema has the verdicts of ajv's draft-04. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/core/json/value';
import { toCurrentDialect } from '../../../src/core/dialects/translate';
import { compileAs, URIS } from './ajv-of-drafts';

interface Group {
  readonly description: string;
  readonly schema: JsonObject;
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[];
}

const FOLDER = path.join(path.dirname(require.resolve('json-schema-test-suite/package.json')), 'tests/draft4');
const groups = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  // Formats are the same in all drafts, and ajv is here without them.
  .filter((file) => file.endsWith('.json') && !file.endsWith('format.json'))
  .flatMap((file) => JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Group[]);
/** Groups that need another document: draft-04's meta-schema, or one of a server. */
const isWhole = ({ schema }: Group) => !/"(?:\$ref|id)":"http/.test(JSON.stringify(schema));
/** In draft-04 1.0 was no integer, if the language can tell. It is one since draft-06, and ajv's draft-04 has it so. */
const isOfTexts = ({ description }: Group) => description.startsWith('some languages do not distinguish');

describe('of the official test suite of draft-04', () => {
  const whole = groups.filter((group) => isWhole(group) && !isOfTexts(group));

  it('nearly all groups need no other document', () => {
    expect(groups.length).toBeGreaterThan(70);
    expect(groups.length - whole.length).toBeLessThan(10);
  });

  it.each(whole.map((group) => [group.description, group] as const))('%s: has the same verdicts', (_name, group) => {
    const schema = { $schema: URIS[4], ...group.schema };
    const { document, problems } = toCurrentDialect(schema);
    expect(problems.filter(({ severity }) => severity !== 'warning')).toEqual([]);
    const [draft04, translated] = [compileAs(4, schema), compileAs(2020, document)];
    const verdicts = group.tests.map(({ data }) => translated(data));
    expect(verdicts).toEqual(group.tests.map(({ data }) => draft04(data)));
    expect(verdicts).toEqual(group.tests.map(({ valid }) => valid));
  });
});
