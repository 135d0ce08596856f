import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { recordsAddedSince } from '../../../src/core/warehouse/iceberg-metadata';
import { readSnapshots } from './read-snapshots';

/** A snapshot that a test asks for. */
interface Given {
  readonly id: string;
  readonly operation?: string;
  readonly added?: number | undefined;
}

/** Metadata text as Iceberg writes it: ids as bare numbers. */
function metadata(snapshots: readonly Given[], current = snapshots.at(-1)?.id ?? '-1'): string {
  const listed = snapshots.map(({ id, operation = 'append', added = 10 }, index) => {
    const parent = snapshots[index - 1];
    const parentMember = parent ? `"parent-snapshot-id":${parent.id},` : '';
    const summary = { operation, 'added-records': String(added), note: '"snapshot-id": 9007199254740993' };
    return `{"snapshot-id":${id},${parentMember}"timestamp-ms":1795428002000,"summary":${JSON.stringify(summary)}}`;
  });
  return `{"format-version":2,"current-snapshot-id" : ${current},"snapshots":[${listed.join(',')}]}`;
}

const A = '8744736658442914487';
const B = '3051729675574597004';
const C = '9007199254740993';

describe('recordsAddedSince', () => {
  it('counts what was appended after the checkpoint, by exact ids', () => {
    const snapshots = readSnapshots(metadata([{ id: A }, { id: C, added: 7 }, { id: B, added: 5 }]));
    expect(recordsAddedSince(snapshots, C)).toEqual({
      toSnapshotId: B,
      records: 5,
      firstCommittedAt: 1795428002000,
      lineageComplete: true,
    });
    expect(recordsAddedSince(snapshots, undefined)).toMatchObject({ records: 22, lineageComplete: true });
    expect(recordsAddedSince(snapshots, B)).toMatchObject({ records: 0, lineageComplete: true });
    // One less is another snapshot, though it is the same double.
    expect(recordsAddedSince(snapshots, '9007199254740992')).toMatchObject({ records: 22, lineageComplete: false });
  });

  it('does not count what a compaction rewrote', () => {
    const snapshots = readSnapshots(metadata([{ id: A }, { id: B, operation: 'replace', added: 1_000 }]));
    expect(recordsAddedSince(snapshots, A)).toEqual({
      toSnapshotId: B,
      records: 0,
      firstCommittedAt: undefined,
      lineageComplete: true,
    });
  });

  it('knows an empty table', () => {
    for (const text of ['{"format-version":2,"current-snapshot-id":-1}', '{"format-version":2,"snapshots":[]}']) {
      expect(recordsAddedSince(readSnapshots(text), undefined)).toMatchObject({ toSnapshotId: undefined, records: 0 });
    }
  });

  it('ends, and says so, when the lineage is broken or bent into a ring', () => {
    const ring = metadata([{ id: A }, { id: B }]).replace(
      `"snapshot-id":${A},`,
      `"snapshot-id":${A},"parent-snapshot-id":${B},`,
    );
    expect(recordsAddedSince(readSnapshots(ring), '1')).toMatchObject({ records: 20, lineageComplete: false });
  });

  it('splits anywhere: what came before a snapshot and after it is all there is', () => {
    const list = fc.uniqueArray(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(list, fc.nat(), (ids, cut) => {
        const given = ids.map((id, index) => ({ id: String(id), added: index + 1 }));
        const at = given[cut % given.length]!.id;
        const after = recordsAddedSince(readSnapshots(metadata(given)), at).records;
        const before = recordsAddedSince(readSnapshots(metadata(given, at)), undefined).records;
        expect(before + after).toBe((ids.length * (ids.length + 1)) / 2);
      }),
    );
  });
});
