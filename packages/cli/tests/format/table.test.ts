import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { layOutTable, renderBlocks, renderTable, type Cell, type Column, type Table } from '../../src/format/table';

const COLUMNS: readonly Column[] = [
  { heading: 'topic', kind: 'text' },
  { heading: 'received', kind: 'count' },
  { heading: 'DLQ', kind: 'count', alert: 'error' },
  { heading: 'Standardized', short: 'std.', kind: 'count' },
  { heading: 'parse errors', kind: 'count', alert: 'warning' },
  { heading: 'rescued', kind: 'count' },
  { heading: 'status', kind: 'text' },
];
const TABLE: Table = {
  columns: COLUMNS,
  rows: [
    ['telemetry.climate.of-the-whole-building', 12_345, 0, 12_340, 5, 0, 'OK'],
    ['logistics.parcel-scan', 7, 7, 0, 0, 0, 'FAILED: access denied writing lean_ops_ops.cycle_delta'],
    ['vehicle.position', 3, 0, 3, 0, null, 'OK'],
  ],
  total: ['all', 12_355, 7, 12_343, 5, 0, ''],
};
const plainly = (columns: number | undefined) => ({ columns, colour: false });

describe('a table', () => {
  it.each([160, 100, 80, 40])('within %i columns', (columns) => {
    expect(renderTable(TABLE, plainly(columns))).toMatchSnapshot();
  });

  it('in a file is as wide as 100 columns', () => {
    expect(renderTable(TABLE, plainly(undefined))).toBe(renderTable(TABLE, plainly(100)));
  });

  it('names the columns of zeros that it leaves out, and leaves none out where all fit', () => {
    expect(renderTable(TABLE, plainly(80))).toContain('Not shown, all zero: rescued.');
    expect(renderTable(TABLE, plainly(160))).not.toContain('Not shown');
  });

  it('colours what is not zero, and only where colours are wanted', () => {
    const text = renderTable(TABLE, { columns: 160, colour: true });
    const red = (value: string): string => `\u001b[31m${value}\u001b[39m`;
    const yellow = (value: string): string => `\u001b[33m${value}\u001b[39m`;
    expect(text.split('\u001b[31m')).toHaveLength(3);
    expect(text.split('\u001b[33m')).toHaveLength(3);
    expect(text).toContain(red('7'));
    expect(text).toContain(yellow('5'));
    expect(stripVTControlCharacters(text)).toBe(renderTable(TABLE, plainly(160)));
  });

  it('has no column in which no row has a value', () => {
    const rows = TABLE.rows.map((row) => [...row.slice(0, 6), null]);
    expect(renderTable({ columns: COLUMNS, rows }, plainly(160))).not.toContain('status');
  });

  it('shows a control character by its number', () => {
    const table: Table = { columns: [{ heading: 'value', kind: 'text' }], rows: [['a\u001b[2J\nb']] };
    expect(renderTable(table, plainly(80))).toBe(`value\n${'─'.repeat(17)}\na\\u001b[2J\\u000ab\n`);
  });

  it('says whether a value is not whole, and blocks have every one whole', () => {
    expect(layOutTable(TABLE, plainly(160)).shortened).toBe(false);
    expect(layOutTable(TABLE, plainly(80)).shortened).toBe(true);
    expect(renderBlocks(TABLE, { colour: false })).toMatchSnapshot();
  });

  const cell = fc.oneof<fc.Arbitrary<Cell>[]>(fc.integer(), fc.constant(0), fc.constant(null));
  const table = fc
    .array(
      fc.record({
        heading: fc.stringMatching(/^[a-z]{1,12}( [a-z]{1,9})?$/),
        kind: fc.constantFrom('text', 'count', 'number'),
      }),
      {
        minLength: 1,
        maxLength: 9,
      },
    )
    .chain((columns) =>
      fc.record({
        columns: fc.constant(columns as Column[]),
        rows: fc.array(
          fc.tuple(
            ...columns.map(({ kind }) => (kind === 'text' ? fc.string({ unit: 'grapheme', maxLength: 60 }) : cell)),
          ),
          { maxLength: 5 },
        ),
      }),
    );

  it('is never wider than the display, unless a name and its number alone are', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 40, max: 160 }), (drawn: Table, columns) => {
        const text = renderTable(drawn, plainly(columns));
        for (const line of text.split('\n'))
          if (!line.startsWith('Not shown')) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('has every number whole, at any width', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 40, max: 160 }), (drawn: Table, columns) => {
        const text = renderTable(drawn, plainly(columns));
        for (const row of drawn.rows)
          for (const value of row) if (typeof value === 'number' && value !== 0) expect(text).toContain(String(value));
      }),
    );
  });
});
