import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSchema } from '../../../src/core/composition/check';

/** Schemas as people have them, ten of each kind, after the style of published ones. */
const ROOT = path.resolve(__dirname, '../../../../../tests/conformance/topic-schemas');
const kinds = readdirSync(ROOT);
const files = kinds.flatMap((kind) => readdirSync(path.join(ROOT, kind)).map((file) => path.join(kind, file)));

describe('schemas as people have them', () => {
  it('are at least ten of each of eleven kinds', () => {
    expect(kinds).toHaveLength(11);
    for (const kind of kinds) expect(readdirSync(path.join(ROOT, kind)).length).toBeGreaterThanOrEqual(10);
  });

  it.each(files)('%s is taken as it is, and its normal form is its own', (file) => {
    const options = { topic: path.dirname(file) };
    const result = checkSchema(readFileSync(path.join(ROOT, file), 'utf8'), options);
    expect(result.ok ? [] : result.problems).toEqual([]);
    expect(result.ok && result.schema.columns.length).toBeGreaterThan(0);
    expect(checkSchema(result.ok ? result.text : '', options)).toMatchObject({ text: result.ok ? result.text : '' });
  });
});
