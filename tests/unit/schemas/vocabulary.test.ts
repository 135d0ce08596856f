import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { vocabularyPage, type MetaSchema } from '../../../scripts/build/vocabulary';

const ROOT = path.resolve(__dirname, '../../..');
const text = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const meta = JSON.parse(text('schemas/meta-schema.json')) as MetaSchema;
const page = vocabularyPage(meta);
const line = (start: string) => page.split('\n').find((one) => one.startsWith(start));

describe('docs/schema-keywords.md', () => {
  it('says what schemas/meta-schema.json does; otherwise run: npx --yes pnpm@12 vocabulary', () => {
    expect(text('docs/schema-keywords.md')).toBe(page);
  });

  it('has a line with a meaning for every keyword at every place', () => {
    const places = [meta, meta.$defs['field'], meta.$defs['documentation']];
    const keywords = places.flatMap((node) => Object.keys(node?.properties ?? {}));
    const lines = page.split('\n').filter((one) => one.startsWith('| `'));
    expect(lines.map((one) => /^\| `([^`]+)`/.exec(one)?.[1])).toEqual(keywords);
    for (const one of lines) expect(one).toMatch(/ \| [^|]*[A-Za-z][^|]*(?:\\\|[^|]*)* \|$/);
  });

  it('finds the types of a keyword in the rules of the meta-schema', () => {
    expect(line('| `minimum`')).toMatch(/^\| `minimum` \| integer, number \| number \|/);
    expect(line('| `pattern`')).toContain('| string without format | text, 1 to 512 characters |');
    expect(line('| `enum`')).toContain('| string without format, integer | list, 1 to 1000 values |');
    expect(line('| `x-type`')).toContain('| integer, number |');
    expect(line('| `deprecated`')).toContain('| every type | `true`, `false` |');
    expect(page).toContain('| `properties` | object, needed | fields by name, at least one |');
    expect(line('| `x-version`')).toContain('| `x-version`, needed | whole number, 1 to 2147483647 |');
  });
});
