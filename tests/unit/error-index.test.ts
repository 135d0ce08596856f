/** Every error that somebody can meet has an entry that says what to do. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const INDEX = read('docs/runbooks/errors.md');
/** Where codes have their tables; the index leads to each of them. */
const CODE_PAGES = [
  'docs/runbooks/dead-letters.md',
  'docs/data-contracts.md',
  'docs/topic-schema.md',
  'docs/schema-workflow.md',
  'docs/operations.md',
];

function sources(folder: string, extension: string): readonly string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension) && !/(^|\/)(testing|node_modules)\//.test(file))
    .map((file) => path.join(folder, file));
}

const TYPESCRIPT = readdirSync(path.join(ROOT, 'packages')).flatMap((name) => sources(`packages/${name}/src`, '.ts'));
const PYTHON = sources('scripts/glue', '.py');

function found(files: readonly string[], pattern: RegExp): readonly string[] {
  return [...new Set(files.flatMap((file) => [...read(file).matchAll(pattern)].map(([, name = '']) => name)))].sort();
}

const named = (text: string) => (name: string) => text.includes(`\`${name}\``);

describe('the index of errors', () => {
  const classes = [
    ...found(TYPESCRIPT, /^export class (\w+Error)\b/gm),
    // A class whose name begins with an underscore does not leave its module.
    ...found(PYTHON, /^class ([A-Z]\w*Error)\b/gm),
  ];

  it('finds the classes of both languages', () => {
    expect(classes).toEqual(expect.arrayContaining(['AthenaStatementError', 'TableBehindSchemaError']));
    expect(classes.length).toBeGreaterThan(25);
  });

  it.each(classes)('says what to do about %s', (name) => {
    expect(named(INDEX)(name)).toBe(true);
  });

  it('names no class that is not there', () => {
    const listed = [...INDEX.matchAll(/`([A-Z]\w+Error)`/g)].map(([, name = '']) => name);
    expect(listed.filter((name) => !classes.includes(name))).toEqual([]);
  });

  it.each(
    found(['packages/common/src/core/warehouse/athena-failure.ts'], /'([A-Z]+(?:_[A-Z]+)+|WORKGROUP|THROTTLED)'/g),
  )("says what to do about Athena's %s", (code) => {
    expect(named(INDEX)(code)).toBe(true);
  });

  it.each(found(TYPESCRIPT, /\bcode: '([A-Z][A-Z0-9_]{2,})'/g))('leads to a page that explains the code %s', (code) => {
    expect([INDEX, ...CODE_PAGES.map(read)].some((page) => named(page)(code))).toBe(true);
  });

  it.each(CODE_PAGES)('leads to %s', (page) => {
    expect(INDEX).toContain(`(${path.relative('docs/runbooks', page)}`);
  });
});
