import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ddlIdentifier,
  ddlLiteral,
  dmlIdentifier,
  stringLiteral,
  timestampLiteral,
  UnsafeIdentifierError,
} from '../../../src/core/warehouse/sql';

describe('identifiers', () => {
  it('are quoted by the grammar they stand in', () => {
    expect([ddlIdentifier('order'), dmlIdentifier('order')]).toEqual(['`order`', '"order"']);
  });

  it.each(['', 'A', 'a b', 'a`b', 'a"b', 'a.b', 'a;--', 'é', 'x'.repeat(256)])('refuses %j', (name) => {
    expect(() => ddlIdentifier(name)).toThrow(UnsafeIdentifierError);
    expect(() => dmlIdentifier(name)).toThrow(UnsafeIdentifierError);
  });
});

describe('stringLiteral', () => {
  it('reads back as the text, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const literal = stringLiteral(text);
        expect(literal.slice(1, -1).replaceAll("''", "'")).toBe(text.replaceAll('\0', '\uFFFD'));
        expect(/^'(?:[^']|'')*'$/.test(literal)).toBe(true);
      }),
    );
  });

  it('has no half characters and no NUL', () => {
    expect(stringLiteral('a\ud83d\0b')).toBe("'a\uFFFD\uFFFDb'");
  });
});

describe('other literals', () => {
  it('writes times as UTC wall-clock time', () => {
    expect(timestampLiteral(new Date('2026-11-23T10:00:00.5Z'))).toBe("TIMESTAMP '2026-11-23 10:00:00.500'");
  });

  it('refuses in DDL what would need an escape', () => {
    expect(() => ddlLiteral("it's")).toThrow(RangeError);
    expect(() => ddlLiteral('a\nb')).toThrow(RangeError);
  });
});
