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
    const places = [meta, meta.$defs['field']];
    const keywords = places.flatMap((node) => Object.keys(node?.properties ?? {}));
    const lines = page.split('\n').filter((one) => one.startsWith('| `'));
    expect(lines.map((one) => /^\| `([^`]+)`/.exec(one)?.[1])).toEqual(keywords);
    for (const one of lines) expect(one).toMatch(/ \| [^|]*[A-Za-z][^|]*(?:\\\|[^|]*)* \|$/);
  });

  it('finds the types of a keyword in the rules of the meta-schema', () => {
    expect(line('| `minimum`')).toMatch(/^\| `minimum` \| integer, number \| number \|/);
    expect(line('| `pattern`')).toContain('| string | text, 1 to 512 characters |');
    expect(line('| `enum`')).toContain('| every type | list, 1 to 10000 values |');
    expect(line('| `const`')).toContain('| every type | any value |');
    expect(line('| `uniqueItems`')).toContain('| array | `true`, `false` |');
    expect(line('| `x-type`')).toContain('| integer, number |');
    expect(line('| `x-flatten`')).toContain('| object |');
    expect(line('| `deprecated`')).toContain('| every type | `true`, `false`; or text |');
    expect(line('| `x-version`')).toContain('| `x-version` | whole number, 1 to 2147483647 |');
    expect(page).toContain('| `items` | array | object; or `true`, `false` |');
    expect(page).toContain(
      '| `type` | every type | `string`, `integer`, `number`, `boolean`, `object`, `array`, `null`; or list',
    );
  });
});
