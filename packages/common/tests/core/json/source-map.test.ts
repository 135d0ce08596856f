import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readJsonSource, type JsonSource } from '../../../src/core/json/source-map';
import { pointerTo } from '../../../src/core/json/value';

function source(text: string): JsonSource {
  const result = readJsonSource(text);
  if (!result.ok) throw new Error(`not JSON at ${result.fault.offset}`);
  return result;
}

/** The rest of the line at a line and column, as an editor counts them. */
function textAt(text: string, { line, column }: { line: number; column: number }): string {
  return (text.split(/\r\n|\r|\n/)[line - 1] ?? '').slice(column - 1);
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** A document in a text with random white space, and every pointer of it with its value's own text. */
const written: fc.Arbitrary<{ text: string; values: Map<string, string> }> = fc
  .tuple(fc.jsonValue({ maxDepth: 5 }), fc.infiniteStream(space))
  .map(([document, spaces]) => {
    const values = new Map<string, string>();
    const pad = (): string => String(spaces.next().value ?? '');
    const write = (value: unknown, pointer: string): string => {
      let text = JSON.stringify(value);
      if (Array.isArray(value)) {
        const items = value.map((item, index) => pad() + write(item, pointerTo(pointer, index)) + pad());
        text = `[${items.join(',') || pad()}]`;
      } else if (typeof value === 'object' && value !== null) {
        const members = Object.entries(value).map(([name, member]) => {
          const before = `${pad()}${JSON.stringify(name)}${pad()}:${pad()}`;
          return before + write(member, pointerTo(pointer, name)) + pad();
        });
        text = `{${members.join(',') || pad()}}`;
      }
      values.set(pointer, text);
      return text;
    };
    return { text: pad() + write(document, '') + pad(), values };
  });

describe('readJsonSource', () => {
  it('finds every value of any document, however it is spaced', () => {
    fc.assert(
      fc.property(written, ({ text, values }) => {
        const { locate, duplicates } = source(text);
        expect(duplicates).toEqual([]);
        for (const [pointer, value] of values) {
          const position = locate(pointer);
          expect(text.slice(position.offset, position.offset + value.length)).toBe(value);
          expect(textAt(text, position)).toMatch(/^["[{\-0-9tfn]/);
          expect(textAt(text, position).slice(0, 1)).toBe(value.slice(0, 1));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives lines and columns from 1, whatever ends a line', () => {
    const { locate } = source('{\n  "a": 1,\r\n  "b": [\r    true,\n\n "é😀", 7]}');
    expect(locate('')).toMatchObject({ line: 1, column: 1 });
    expect(locate('/a')).toMatchObject({ line: 2, column: 8 });
    expect(locate('/b/0')).toMatchObject({ line: 4, column: 5 });
    expect(locate('/b/2')).toMatchObject({ line: 6, column: 9 });
  });

  it('reads escapes in pointers (RFC 6901) and in names', () => {
    const text = '{"a/b": 1, "m~n": 2, "\\u0061": 3, "": 4, "~1": 5, "0": 6}';
    const { locate } = source(text);
    const found = ['/a~1b', '/m~0n', '/a', '/', '/~01', '/0'].map((pointer) => text[locate(pointer).offset]);
    expect(found).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('gives the nearest parent of what is not there', () => {
    const text = '{"a": {"b": [1]}, "c": 2}';
    const { locate } = source(text);
    expect(locate('/x').offset).toBe(0);
    expect(locate('/a/x/y').offset).toBe(text.indexOf('{"b"'));
    expect(locate('/a/b/1').offset).toBe(text.indexOf('[1]'));
    expect(locate('/a/b/-').offset).toBe(text.indexOf('[1]'));
    expect(locate('/a/b/00').offset).toBe(text.indexOf('[1]'));
    expect(locate('/c/d').offset).toBe(text.indexOf('2'));
  });

  it('finds members that an object has more than once, and takes the last as JSON.parse does', () => {
    const text = '{"a": 1,\n "b": {"a": 1, "\\u0061": 2},\n "a": 3, "c": [{"a": 1}, {"a": 1}],\n"a": {"z": 4}}';
    const { duplicates, locate } = source(text);
    expect(duplicates.map(({ pointer, positions }) => [pointer, positions.map(({ line }) => line)])).toEqual([
      ['/b/a', [2, 2]],
      ['/a', [1, 3, 4]],
    ]);
    expect(text[locate('/a/z').offset]).toBe('4');
  });

  it.each(['__proto__', 'constructor', 'toString'])('takes %s for a name like any other', (name) => {
    const { duplicates, locate } = source(`{"${name}": {"a": 1}}`);
    expect(duplicates).toEqual([]);
    expect(locate(`/${name}/a`).column).toBe(name.length + 12);
  });

  it.each([
    ['{\n  "a": 1,\n}', 3, 1],
    ['', 1, 1],
    ['{"a": "\n"}', 1, 8],
    ['[1] x', 1, 5],
  ])('says where %j stops being JSON', (text, line, column) => {
    expect(readJsonSource(text)).toMatchObject({ ok: false, fault: { line, column } });
  });

  it('reads half a million levels and 5 MB within seconds, without the call stack', () => {
    const depth = 500_000;
    const { locate } = source('{"a":['.repeat(depth / 2) + ']}'.repeat(depth / 2));
    expect(locate('/a/0'.repeat(5_000)).offset).toBe(5_000 * 6);
    const flat = source(`{"x": [${'"abc\\n", '.repeat(500_000)}1]}`);
    expect(flat.locate('/x/500000').line).toBe(1);
  });
});
