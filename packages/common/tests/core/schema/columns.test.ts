import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isObject } from '../../../src/core/json/value';
import {
  collisions,
  columnName,
  MAX_COLUMN_NAME,
  MAX_DEPTH,
  pathOfComment,
  RESERVED_COLUMNS,
  ENGINE_COLUMNS,
} from '../../../src/core/schema/columns';
import { ddlIdentifier } from '../../../src/core/warehouse/sql';

interface NameVector {
  readonly name: string;
  readonly path: readonly string[];
  readonly column: string;
}

interface FlattenVector {
  readonly name: string;
  readonly payload: string;
  readonly columns: Readonly<Record<string, string | null>>;
}

/** Vectors that the Spark job's tests read too: tests/conformance/README.md. */
const vectors = (file: string): unknown =>
  JSON.parse(readFileSync(path.resolve(__dirname, '../../../../../tests/conformance', file), 'utf8'));

describe('columnName', () => {
  it.each(vectors('column_names.json') as readonly NameVector[])(
    'as in Python: $name',
    ({ path: segments, column }) => {
      expect(columnName(segments)).toBe(column);
    },
  );

  const kept = [...RESERVED_COLUMNS, ...ENGINE_COLUMNS];
  const segment = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constantFrom(...kept).chain((name) => fc.constantFrom(name, name.toUpperCase())) },
  );
  const paths = fc.array(segment, { minLength: 1, maxLength: 5 });

  it('always gives a name that SQL takes, and never one that belongs to the pipeline or an engine', () => {
    fc.assert(
      fc.property(paths, (segments) => {
        const column = columnName(segments);
        expect(ddlIdentifier(column)).toBe(`\`${column}\``);
        expect(kept).not.toContain(column);
      }),
    );
  });

  it('changes nothing that it made itself', () => {
    fc.assert(fc.property(paths, (segments) => expect(columnName([columnName(segments)])).toBe(columnName(segments))));
  });
});

/** Paths of a payload's leaves: members of objects join, while an array, an empty object and a scalar are leaves. */
function leafPaths(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (!isObject(value) || (Object.keys(value).length === 0 && at.length > 0)) return [at];
  return Object.entries(value).flatMap(([name, member]) => leafPaths(member, [...at, name]));
}

describe('pathOfComment', () => {
  interface CommentVector extends NameVector {
    readonly comment: string;
  }
  const comments = vectors('column_comments.json') as readonly CommentVector[];

  it.each(comments)('reads what the Spark job writes: $name', ({ path: segments, column, comment }) => {
    expect(pathOfComment(column, comment)).toEqual(comment.includes('…') ? undefined : segments);
  });

  it.each([undefined, '', 'in degrees Celsius', 'temperature', 'Temperature', '$.Temperatur', '$.temp\\u0009erature'])(
    'takes %j for no path of the column temperature',
    (comment) => {
      expect(pathOfComment('temperature', comment)).toBeUndefined();
    },
  );
});

describe('a payload that the Spark job flattens', () => {
  // A payload that is no object has the column `value`, which no path names.
  const flattened = (vectors('flatten.json') as readonly FlattenVector[])
    .map((vector) => ({ ...vector, document: JSON.parse(vector.payload) as unknown }))
    .filter(({ document }) => isObject(document));

  it('stands in nearly every vector', () => {
    expect(flattened.length).toBeGreaterThanOrEqual(30);
  });

  // The columns are compared and not the values: which of two paths keeps a column that they share, what
  // rescued_data gets, and how a value is written is the Spark job's alone to decide.
  it.each(flattened)('has the columns that schemas name: $name', ({ document, columns }) => {
    const named = leafPaths(document)
      .filter((segments) => segments.length <= MAX_DEPTH)
      .map((segments) => columnName(segments))
      .filter((column) => column.length <= MAX_COLUMN_NAME);
    expect([...new Set(named)].sort()).toEqual(Object.keys(columns).sort());
  });
});

describe('collisions', () => {
  it('finds case, punctuation and nesting that end in one column', () => {
    const sharing = [['Foo'], ['foo'], ['a', 'b'], ['a__b'], ['alone']].map((segments) => ({ path: segments }));
    expect([...collisions(sharing).keys()]).toEqual(['foo', 'a__b']);
  });
});
