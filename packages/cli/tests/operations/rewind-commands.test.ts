/** `lean-ops topic points`, `rewind` and `undo`, against a pipeline in memory whose operations run by the real transitions. */
import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { memoryOperations, NOW, OPERATIONS, registered, TOPIC, type MemoryOptions } from './memory-operations';

const cycleOf = (number: number): string => `20261130T00${String(number).padStart(4, '0')}Z-0a1b2c3d`;
const UNDONE = '20261130T060000Z-rewind-0000aa';
const REWIND = ['topic', 'rewind', TOPIC];
const REASON = ['--apply', '--reason', 'a bad deployment'];

interface Table {
  readonly cycles?: readonly number[];
  readonly current?: number;
  readonly refs?: Readonly<Record<string, object>>;
  readonly types?: readonly [then: string, now: string];
}

/** The metadata of a table with a commit in each cycle, the schema of the last of which has a column more. */
function table({ cycles = [1, 2, 3], current = cycles.length, refs = {}, types = ['int', 'int'] }: Table = {}): object {
  return {
    'format-version': 2,
    'current-snapshot-id': current,
    'current-schema-id': 1,
    refs,
    schemas: types.map((type, id) => ({
      'schema-id': id,
      fields: [{ id: 1, name: 'n', type }, ...(id === 1 ? [{ id: 2, name: 'humidity', type: 'string' }] : [])],
    })),
    snapshots: cycles.map((cycle, index) => ({
      'snapshot-id': index + 1,
      ...(index > 0 && { 'parent-snapshot-id': index }),
      'sequence-number': index + 1,
      'timestamp-ms': NOW - 3_600_000 * (cycles.length - index),
      'schema-id': index + 1 === cycles.length ? 1 : 0,
      summary: {
        operation: 'append',
        'total-records': String(10 * cycle),
        'total-data-files': '1',
        'total-files-size': '2048',
        'lean-ops.cycle-id': cycleOf(cycle),
        'lean-ops.delta-through': cycleOf(cycle),
        'lean-ops.schema-version': '1',
      },
    })),
  };
}

const BOTH = { 'acme_standardized.telemetry_climate': table(), 'acme_curated.telemetry_climate': table() };
const world = (options: MemoryOptions = {}) =>
  memoryOperations({
    items: [registered({ schema_version: 1 })],
    tables: BOTH,
    delta: [
      [cycleOf(2), '12'],
      [cycleOf(3), '14'],
    ],
    ledger: [
      [cycleOf(2), '12'],
      [cycleOf(3), '14'],
    ],
    ...options,
  });

async function ran(of: ReturnType<typeof world>, words: readonly string[]) {
  const { code: ok, output: out, error: err } = await of.run(...words);
  return { ok, out, err };
}

/** An operation that is done, with the tag that it left on both tables. */
const DONE: Document = {
  operation_id: UNDONE,
  kind: 'rewind',
  topic: TOPIC,
  state: 'DONE',
  step: 'ENDED',
  requested_by: 'ada',
  reason: 'a wrong producer',
  plan: {},
  counts: { layers: { standardized: { schema_before: 1 }, curated: { schema_before: 1 } } },
  requested_at: '2026-11-30T06:00:00.000Z',
  updated_at: '2026-11-30T06:01:00.000Z',
};
const tagOf = (operation: string): Record<string, object> => ({
  [`lean-ops-undo-${operation}`]: { 'snapshot-id': 3, type: 'tag' },
});
function rewound(refs: Readonly<Record<string, object>> = tagOf(UNDONE), ...more: readonly Document[]) {
  const tables = Object.fromEntries(Object.keys(BOTH).map((name) => [name, table({ current: 1, refs })]));
  const made = world({ tables });
  made.seed(OPERATIONS, DONE, ...more);
  return made;
}

describe('topic points', () => {
  it('lists them with what the tables hold there', async () => {
    const { ok, out } = await ran(world(), ['topic', 'points', TOPIC, '--limit', '2']);
    expect(ok).toBe(0);
    expect(out).toContain(`${cycleOf(3)}  05:25`);
    expect(out).toContain('current');
    expect(out).toContain('1 older point: --limit 3');
  });

  it('has whole documents for programs', async () => {
    const { ok, out } = await ran(rewound(), ['topic', 'points', TOPIC, '--format', 'json']);
    expect(ok).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      topic: TOPIC,
      more: 0,
      points: [
        { cycle_id: cycleOf(3), aligned: true, current: [], undoes: [UNDONE] },
        { cycle_id: cycleOf(2), undoes: [] },
        { cycle_id: cycleOf(1), current: ['standardized', 'curated'] },
      ],
    });
  });

  it('knows no topic that nobody has seen', async () => {
    const { ok, err } = await ran(world({ items: [] }), ['topic', 'points', TOPIC]);
    expect([ok, err.includes('was ever seen')]).toEqual([2, true]);
  });
});

describe('topic rewind', () => {
  it('shows what it would do, and changes nothing', async () => {
    const of = world();
    const { ok, out } = await ran(of, [...REWIND, '--to', cycleOf(1)]);
    expect(ok).toBe(0);
    expect(out).toContain('moves     Standardized: 30 rows in 1 file of 2.0 KiB to 10 rows in 1 file of 2.0 KiB');
    expect(out).toContain('snapshot 3 to 1, behind 2 commits');
    expect(out).toContain('columns   Curated loses humidity');
    expect(out).toContain('takes     26 messages of 2 cycles again, with the next cycle');
    expect(out).toContain('which is a guess');
    expect(out).toContain(`lean-ops topic rewind ${TOPIC} --to ${cycleOf(1)} --plan epoch=3,status=READY,hold=none,`);
    expect(await of.operations()).toEqual([]);
  });

  it('does the plan that was shown, and says what the next cycle takes', async () => {
    const of = world();
    const shown = await ran(of, [...REWIND, '--to', cycleOf(1)]);
    const [, plan = ''] = /--plan (\S+) --apply/.exec(shown.out) ?? [];
    const { ok, out } = await ran(of, [...REWIND, '--to', cycleOf(1), '--plan', plan, ...REASON]);
    expect([ok, out]).toEqual([
      0,
      expect.stringContaining('curated 30 rows to 10 rows, the next cycle takes 7 messages of 2 cycles again'),
    ]);
    const [operation] = await of.operations();
    expect(operation).toMatchObject({
      kind: 'rewind',
      state: 'DONE',
      plan: {
        to: cycleOf(1),
        messages_again: 26,
        targets: {
          standardized: { snapshot_id: '1', schema_id: 0, cycle_id: cycleOf(1), from_snapshot_id: '3' },
          curated: { snapshot_id: '1', schema_id: 0 },
        },
      },
    });
    expect(await of.registryItem()).toMatchObject({ status: 'READY', epoch: 4 });
  });

  it('keeps the topic held when it is to', async () => {
    const of = world();
    const { ok, out } = await ran(of, [...REWIND, '--to', cycleOf(1), '--hold', ...REASON]);
    expect([ok, out.includes('stays held')]).toEqual([0, true]);
    expect(await of.registryItem()).toMatchObject({ status: 'MAINTENANCE' });
  });

  it('moves Curated alone, also where cycle_delta has lost cycles', async () => {
    const { ok, out } = await ran(world({ delta: [[cycleOf(3), '14']] }), [
      ...REWIND,
      '--to',
      cycleOf(1),
      '--layer',
      'curated',
    ]);
    expect([ok, out.includes('Standardized: ')]).toEqual([0, false]);
  });

  it('goes to the last point until a time', async () => {
    const { out } = await ran(world(), [...REWIND, '--to', '2026-11-30T04:30']);
    expect(out).toContain(`--to ${cycleOf(2)} `);
  });

  it('keeps the columns of Curated where another version is active', async () => {
    const { out } = await ran(world({ items: [registered({ schema_version: 2 })] }), [...REWIND, '--to', cycleOf(1)]);
    expect(out).toContain('validated by version 1, and 2 is active: Curated keeps its columns');
    expect(out).not.toContain('Curated loses');
  });

  const REFUSED: readonly (readonly [code: string, to: number, options: MemoryOptions, instead: string])[] = [
    ['NOTHING_TO_REWIND', 3, {}, 'is at'],
    ['BEYOND_RETENTION', 0, {}, cycleOf(1)],
    ['DELTA_GONE', 1, { delta: [[cycleOf(3), '14']] }, `cycles up to ${cycleOf(2)}`],
    [
      'DELTA_GONE',
      1,
      {
        delta: [
          [cycleOf(2), '12'],
          [cycleOf(3), '13'],
        ],
      },
      `has all is ${cycleOf(3)}`,
    ],
    ['NO_TABLES', 1, { tables: {} }, 'no table'],
    [
      'NO_ALIGNED_POINT',
      1,
      { tables: { ...BOTH, 'acme_curated.telemetry_climate': table({ cycles: [2, 3] }) } },
      `at which they have is ${cycleOf(2)}`,
    ],
    [
      'SCHEMA_CHANGED',
      1,
      {
        items: [registered({ schema_version: 2 })],
        tables: { ...BOTH, 'acme_curated.telemetry_climate': table({ types: ['string', 'long'] }) },
      },
      'another type',
    ],
  ];
  it.each(REFUSED)('says %s and what would be possible', async (code, to, options, instead) => {
    const of = world(options);
    const { ok, out } = await ran(of, [...REWIND, '--to', cycleOf(to), ...REASON]);
    expect([ok, out.startsWith(`${code}: `)]).toEqual([1, true]);
    expect(out).toContain(instead);
    expect(await of.operations()).toEqual([]);
  });

  it('takes no word that is neither a cycle nor a time', async () => {
    const { ok, err } = await ran(world(), [...REWIND, '--to', 'yesterday']);
    expect([ok, err.includes('must be a cycle such as')]).toEqual([2, true]);
  });
});

describe('topic undo', () => {
  it('puts both tables where they were, with the schema that they had', async () => {
    const of = rewound();
    const { ok, out } = await ran(of, ['topic', 'undo', UNDONE, ...REASON]);
    expect([ok, out.includes(`undoes    ${UNDONE}, of 2026-11-30T06:00Z: a wrong producer`)]).toEqual([0, true]);
    const [, operation] = await of.operations();
    expect(operation).toMatchObject({
      kind: 'undo',
      plan: { undoes: UNDONE, targets: { standardized: { snapshot_id: '3', schema_id: 1, from_snapshot_id: '1' } } },
    });
  });

  it('refuses what nothing is kept of', async () => {
    const { ok, out } = await ran(rewound({}), ['topic', 'undo', UNDONE]);
    expect([ok, out.startsWith('UNDO_GONE: ')]).toEqual([1, true]);
  });

  const later = '20261130T061000Z-rewind-0000bb';
  const undoOfLater = '20261130T061500Z-undo-0000cc';
  it('refuses what a later operation has built on, and names that', async () => {
    const refs = { ...tagOf(UNDONE), ...tagOf(later) };
    const { ok, out } = await ran(rewound(refs), ['topic', 'undo', UNDONE]);
    expect([ok, out.startsWith('UNDO_OVERTAKEN: '), out.includes(`topic undo ${later}`)]).toEqual([1, true, true]);
  });

  it('goes behind a later operation that was undone itself', async () => {
    const refs = { ...tagOf(UNDONE), ...tagOf(undoOfLater) };
    const undo = { ...DONE, operation_id: undoOfLater, kind: 'undo', plan: { undoes: later } };
    expect((await ran(rewound(refs, undo), ['topic', 'undo', UNDONE])).ok).toBe(0);
  });

  it('is refused where a later operation is in force again, as its undo was undone', async () => {
    const undoOfUndo = '20261130T062000Z-undo-0000dd';
    const undo = { ...DONE, operation_id: undoOfLater, kind: 'undo', plan: { undoes: later } };
    const again = { ...DONE, operation_id: undoOfUndo, kind: 'undo', plan: { undoes: undoOfLater } };
    const made = rewound({ ...tagOf(UNDONE), ...tagOf(undoOfUndo) }, undo, again);
    const { ok, out } = await ran(made, ['topic', 'undo', UNDONE]);
    expect([ok, out]).toEqual([1, expect.stringMatching(new RegExp(`^UNDO_OVERTAKEN: ${undoOfUndo} `))]);
  });

  it('knows no word that is no operation', async () => {
    expect((await ran(world(), ['topic', 'undo', TOPIC])).ok).toBe(2);
  });
});
