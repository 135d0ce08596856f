/** To which cycles the tables of a topic can be taken back, and what that changes. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  moveOf,
  pointsOf,
  readsAs,
  readTableHistory,
  type TableBefore,
  type TableHistory,
} from '@lean-ops/common/core';

interface Commit {
  readonly id: number;
  readonly parent?: number;
  /** The number of the cycle; undefined for a commit of others. */
  readonly cycle?: number;
  readonly through?: number;
  readonly version?: number;
  readonly schema?: number;
  readonly operation?: string;
  /** The rebuild whose swap it is; the table was partitioned by spec 7 before. */
  readonly rebuild?: string;
}

const cycleOf = (number: number): string => `20261130T00${String(number).padStart(4, '0')}Z-0a1b2c3d`;
const BIG = 8_000_000_000_000_000_000n;
const idOf = (id: number): string => String(BIG + BigInt(id));

/** The text of a table's metadata with these commits, whose ids have 63 bits. */
function metadata(commits: readonly Commit[], current: number, more: Readonly<Record<string, unknown>> = {}): string {
  const snapshots = commits.map(
    ({ id, parent, cycle, through = cycle, version, schema = 0, operation = 'append', rebuild }) => ({
      'snapshot-id': `#${idOf(id)}#`,
      ...(parent !== undefined && { 'parent-snapshot-id': `#${idOf(parent)}#` }),
      'sequence-number': id,
      'timestamp-ms': 1_000 * id,
      'schema-id': schema,
      summary: {
        operation,
        'total-records': String(10 * id),
        ...(cycle !== undefined && { 'lean-ops.cycle-id': cycleOf(cycle) }),
        ...(through !== undefined && { 'lean-ops.delta-through': cycleOf(through) }),
        ...(version !== undefined && { 'lean-ops.schema-version': String(version) }),
        ...(rebuild !== undefined && { 'lean-ops.operation': rebuild, 'lean-ops.spec-before': '7' }),
      },
    }),
  );
  const field = (id: number, name: string, type: string): object => ({ id, name, type, required: false });
  const document = {
    'format-version': 2,
    'current-snapshot-id': `#${idOf(current)}#`,
    'current-schema-id': 1,
    schemas: [
      { 'schema-id': 0, type: 'struct', fields: [field(1, 'n', 'int')] },
      { 'schema-id': 1, type: 'struct', fields: [field(1, 'n', 'long'), field(2, 'more', 'string')] },
      { 'schema-id': 2, type: 'struct', fields: [field(1, 'n', 'string')] },
      { 'schema-id': 3, type: 'struct', fields: [field(10_001, 'n', 'string')] },
    ],
    snapshots,
    ...more,
  };
  return JSON.stringify(document).replaceAll(/"#(\d+)#"/g, '$1');
}

const history = (...given: Parameters<typeof metadata>): TableHistory => readTableHistory(metadata(...given));

/** One commit in each of these cycles, each upon the one before. */
const chain = (...cycles: readonly number[]): Commit[] =>
  cycles.map((cycle, index) => ({ id: index + 1, cycle, ...(index > 0 && { parent: index }) }));

const shown = (histories: Parameters<typeof pointsOf>[0]): unknown[] =>
  pointsOf(histories).map(({ cycleId, layers, aligned, current }) => [
    Number(cycleId.slice(9, 15)),
    layers.standardized?.rows,
    layers.curated?.rows,
    aligned,
    current.length,
  ]);

describe('the points of a topic', () => {
  it('are the cycles that either table has a commit of, the newest first', () => {
    const standardized = history(chain(1, 2, 3), 3);
    const curated = history(chain(2, 3), 2);
    expect(shown({ standardized, curated })).toEqual([
      [3, 30, 20, true, 2],
      [2, 20, 10, true, 0],
      [1, 10, undefined, false, 0],
    ]);
  });

  it('have a table that took nothing in the cycle where it stays', () => {
    const standardized = history(chain(1, 2), 2);
    const curated = history([...chain(1, 2), { id: 3, parent: 2, cycle: 5, through: 2 }], 3);
    expect(shown({ standardized, curated })[0]).toEqual([5, 20, 30, true, 2]);
  });

  it('are whole without a Curated table', () => {
    expect(shown({ standardized: history(chain(1), 1) })).toEqual([[1, 10, undefined, true, 1]]);
  });

  it('do not go with a Curated table that lacks messages', () => {
    const standardized = history(chain(1, 2), 2);
    expect(shown({ standardized, curated: history(chain(1), 1) })[0]).toEqual([2, 20, 10, false, 2]);
  });

  it('behind a gap are the very cycles of the snapshots, as others may have expired in between', () => {
    const commits = [...chain(1), { id: 5, parent: 4, cycle: 5 }];
    expect(
      shown({
        standardized: history(commits, 5),
        curated: history([...chain(1), { id: 5, parent: 4, cycle: 4, through: 5 }], 5),
      }),
    ).toEqual([
      [5, 50, 50, true, 2],
      [4, undefined, 50, false, 1],
      [1, 10, 10, true, 0],
    ]);
  });

  it('take an undone commit of the cycle before one that lacks it, and the repeated one before the undone', () => {
    const undone: Commit[] = [...chain(1, 2, 3), { id: 4, parent: 1, cycle: 2 }];
    // The table was moved back to cycle 1 and has taken cycle 2 again.
    expect(shown({ standardized: history(undone, 4) })).toEqual([
      [3, 30, undefined, true, 0],
      [2, 40, undefined, true, 1],
      [1, 10, undefined, true, 0],
    ]);
  });

  it('are where a table still is when its files were only written anew', () => {
    const compacted = (operation: string): Commit[] => [...chain(1), { id: 2, parent: 1, operation }];
    expect(shown({ standardized: history(compacted('replace'), 2) })[0]).toEqual([1, 10, undefined, true, 1]);
    expect(shown({ standardized: history(compacted('delete'), 2) })[0]).toEqual([1, 10, undefined, true, 0]);
  });

  it('name the operations whose undo leads there', () => {
    const refs = {
      main: { 'snapshot-id': `#${idOf(1)}#`, type: 'branch' },
      'lean-ops-undo-20261130T000000Z-rewind-ab12cd': { 'snapshot-id': `#${idOf(2)}#`, type: 'tag' },
    };
    const [last] = pointsOf({ standardized: history(chain(1, 2), 1, { refs }) });
    expect(last).toMatchObject({ cycleId: cycleOf(2), undoes: ['20261130T000000Z-rewind-ab12cd'], current: [] });
  });

  it('never put two cycles in one place, and always have the current one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (drawn) => {
        const cycles = [...drawn].sort((a, b) => a - b);
        const points = pointsOf({ standardized: history(chain(...cycles), cycles.length) });
        expect(points.map(({ cycleId }) => cycleId)).toEqual(cycles.map(cycleOf).reverse());
        expect(new Set(points.map(({ layers }) => layers.standardized?.id)).size).toBe(cycles.length);
        expect(points.map(({ current }) => current.length)).toEqual(cycles.map((_, index) => (index === 0 ? 1 : 0)));
      }),
    );
  });
});

describe('a move', () => {
  const at = (commit: Commit): TableHistory => history([commit, { id: 9, parent: 1, cycle: 9, schema: 1 }], 9);
  const first = { id: 1, cycle: 1, version: 1 };
  const move = (
    layer: 'standardized' | 'curated',
    commit: Commit,
    active: number | undefined,
    before?: TableBefore,
  ) => {
    const table = at(commit);
    const to = table.byId.get(idOf(1));
    if (to === undefined) throw new Error('no snapshot');
    return moveOf(layer, table, to, active, before);
  };

  it('restores the schema that Standardized had', () => {
    expect(move('standardized', first, 3)).toMatchObject({
      ok: true,
      move: { schemaId: 0, columnsGone: ['more'], columnsBack: [], from: { id: idOf(9) } },
    });
  });

  it('restores that of Curated under the active version, and keeps it under another', () => {
    expect(move('curated', first, 1)).toMatchObject({ ok: true, move: { schemaId: 0 } });
    expect(move('curated', first, 2)).toMatchObject({ ok: true, move: { schemaId: undefined, columnsGone: [] } });
  });

  it('is refused where the rows could not be read', () => {
    expect(move('curated', { ...first, schema: 2 }, 2)).toEqual({ ok: false });
    expect(move('curated', { ...first, schema: 2 }, 1)).toMatchObject({ ok: true, move: { schemaId: 2 } });
    expect(move('curated', { ...first, schema: 1 }, 1, { schemaId: 0, specId: undefined })).toEqual({ ok: false });
  });

  it('is refused where the rows have a column under another id, which would be NULL', () => {
    expect(move('curated', { ...first, schema: 3 }, 2)).toEqual({ ok: false });
    expect(move('curated', { ...first, schema: 3 }, 1)).toMatchObject({ ok: true, move: { schemaId: 3 } });
  });

  it('of an undo restores the schema of the snapshot where nobody has noted which there was', () => {
    const nothing: TableBefore = { schemaId: undefined, specId: undefined };
    expect(move('curated', { ...first, schema: 3 }, 1, nothing)).toMatchObject({ ok: true, move: { schemaId: 3 } });
    expect(move('curated', first, 1, { schemaId: 0, specId: 4 })).toMatchObject({ move: { schemaId: 0, specId: 4 } });
  });

  it('of an undo keeps the columns that a later version has added', () => {
    expect(move('curated', first, 2, { schemaId: 0, specId: 4 })).toMatchObject({ move: { schemaId: undefined } });
  });

  it('behind a rebuild restores the partitioning, and is refused where that was under another schema', () => {
    const behind = (version: number, active: number) => {
      const swap = { id: 2, parent: 1, cycle: 1, version, rebuild: 'r' };
      const table = history([first, swap, { id: 3, parent: 2, cycle: 1, version, rebuild: 'r' }], 3);
      const [to, same] = [table.byId.get(idOf(1)), table.byId.get(idOf(2))];
      if (to === undefined || same === undefined) throw new Error('no snapshot');
      return [moveOf('curated', table, to, active), moveOf('curated', table, same, active)];
    };
    expect(behind(1, 1)).toMatchObject([{ move: { specId: 7 } }, { move: { specId: undefined } }]);
    expect(behind(2, 2)).toMatchObject([{ ok: false }, { ok: true }]);
  });
});

interface Promotion {
  readonly written: string;
  readonly reading: string;
  readonly reads: boolean;
}
const { cases } = JSON.parse(
  readFileSync(path.resolve(__dirname, '../../../../../tests/conformance/promotions.json'), 'utf8'),
) as { cases: readonly Promotion[] };

describe('a type', () => {
  it.each(cases)('$written is read as $reading: $reads', ({ written, reading, reads }) => {
    const column = (type: string) => [{ id: 1, name: 'n', type }];
    expect(readsAs(column(written), column(reading))).toBe(reads);
  });

  it('of a column with another id does not matter', () => {
    expect(readsAs([{ id: 1, name: 'n', type: 'string' }], [{ id: 2, name: 'n', type: 'long' }])).toBe(true);
  });
});
