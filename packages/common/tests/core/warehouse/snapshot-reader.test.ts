import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import { TableMetadataError, type Snapshot } from '../../../src/core/warehouse/iceberg-metadata';
import { SnapshotReader } from '../../../src/core/warehouse/snapshot-reader';
import { readSnapshots } from './read-snapshots';

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON with every integer of 16 digits and more as a text of its digits, which JSON.parse alone would round. */
function parseExact(text: string): unknown {
  return JSON.parse(text.replace(STRING_OR_NUMBER, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token)));
}

/** The same reading by JSON.parse, of the whole text at once. */
function reference(text: string): { currentId: string | undefined; snapshots: Snapshot[] } {
  const document = parseExact(text) as JsonObject;
  const idOf = (value: unknown): string | undefined =>
    typeof value === 'string' ? value : typeof value === 'number' && value >= 0 ? String(value) : undefined;
  const listed: unknown[] = Array.isArray(document['snapshots']) ? document['snapshots'] : [];
  const snapshots = listed.filter(isObject).flatMap((value): Snapshot[] => {
    const id = idOf(value['snapshot-id']);
    if (id === undefined) return [];
    const summary = isObject(value['summary']) ? value['summary'] : {};
    const told = summary['added-records'];
    const added = Number(typeof told === 'string' ? told : JSON.stringify(told));
    const files = summary['added-data-files'];
    return [
      {
        id,
        parentId: idOf(value['parent-snapshot-id']),
        operation: typeof summary['operation'] === 'string' ? summary['operation'] : 'unknown',
        committedAt: typeof value['timestamp-ms'] === 'number' ? value['timestamp-ms'] : undefined,
        addedRecords: Number.isFinite(added) ? added : files === undefined || files === '0' ? 0 : 1,
      },
    ];
  });
  return { currentId: idOf(document['current-snapshot-id']), snapshots };
}

/** Feeds a text in chunks of the sizes, again and again; the rest as one. */
function inChunks(text: string, sizes: readonly number[]): SnapshotReader {
  const reader = new SnapshotReader();
  const bytes = Buffer.from(text);
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    reader.write(bytes.subarray(at, at + size));
    at += size;
  }
  return reader;
}

const id = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String);
/** A value as JSON text that no reader asks for, with names and texts that look like those which it does ask for. */
const noise = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) =>
    JSON.stringify({ snapshots: [{ 'snapshot-id': 7, summary: { operation: 'append' } }], '}"],': '{"', value }),
  );
const count = fc.oneof(
  fc.nat().map((n) => JSON.stringify(String(n))),
  fc.nat().map(String),
  fc.constantFrom('"0"', '"many"', 'null', '""', '"1e3"', '"12345678901234567"'),
);

/** An object as text: its members in any order, with any white space, some names written with escapes. */
function object(members: Readonly<Record<string, fc.Arbitrary<string>>>, required: readonly string[] = []) {
  return fc
    .record(members, { requiredKeys: required as string[] })
    .chain((values) =>
      fc.tuple(fc.shuffledSubarray(Object.entries(values), { minLength: Object.keys(values).length }), white),
    )
    .map(
      ([entries, gap]) =>
        `{${gap}${entries.map(([name, value], n) => `${quoted(name, n)}${gap}:${gap}${value}`).join(`${gap},`)}}`,
    );
}
const white = fc.constantFrom('', ' ', '\n  ', '\t\r\n');
function quoted(name: string, index: number): string {
  return index % 5 === 4 ? JSON.stringify(name).replace('-', '\\u002d') : JSON.stringify(name);
}

const summary = object({
  operation: fc.constantFrom('"append"', '"replace"', '"overwrite"', '"delete"', '"a\\"b"', '3', 'null'),
  'added-records': count,
  'added-data-files': fc.oneof(
    fc.constant('"0"'),
    fc.nat().map((n) => `"${n}"`),
  ),
  'total-records': count,
  note: noise,
});
const snapshot = object({
  'snapshot-id': fc.oneof({ weight: 9, arbitrary: id }, fc.constantFrom('-1', 'null', '"7"')),
  'parent-snapshot-id': fc.oneof(id, fc.constantFrom('null', '-1')),
  'timestamp-ms': fc.oneof(
    fc.nat({ max: 2 ** 41 }).map(String),
    fc.constantFrom('1795428002000', '"late"', 'null', '1.5e12'),
  ),
  summary: fc.oneof({ weight: 9, arbitrary: summary }, fc.constant('null'), noise),
  refs: noise,
});
const metadata = object(
  {
    'format-version': fc.constant('2'),
    'current-snapshot-id': fc.oneof(id, fc.constantFrom('-1', 'null')),
    snapshots: fc.oneof(
      {
        weight: 9,
        arbitrary: fc
          .array(
            fc.oneof(
              { weight: 9, arbitrary: snapshot },
              noise,
              fc.constantFrom('[]', '3', 'null', '[{"snapshot-id":5}]'),
            ),
            { maxLength: 6 },
          )
          .map((all) => `[${all.join(' , ')}]`),
      },
      fc.constantFrom('null', '{}', '"none"'),
    ),
    properties: noise,
    'snapshot-log': noise,
  },
  ['format-version'],
);

describe('SnapshotReader', () => {
  it('reads what JSON.parse reads, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(
        metadata,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        (text, sizes) => {
          const wanted = reference(text);
          const read = inChunks(text, sizes).end();
          expect(read.currentId).toBe(wanted.currentId);
          expect([...read.byId.values()]).toEqual([...new Map(wanted.snapshots.map((one) => [one.id, one])).values()]);
        },
      ),
    );
  });

  it('needs nothing of what comes behind the moment at which it is complete', () => {
    fc.assert(
      fc.property(metadata, (text) => {
        const bytes = Buffer.from(text);
        const reader = new SnapshotReader();
        let at = 0;
        while (at < bytes.length && !reader.complete) reader.write(bytes.subarray(at, ++at));
        expect(reader.end()).toEqual(inChunks(text, [64]).end());
      }),
    );
  });

  it('refuses a text that ends before it is complete, and one that is no JSON', () => {
    fc.assert(
      fc.property(metadata, fc.nat(), (text, cut) => {
        const bytes = Buffer.from(text);
        const reader = new SnapshotReader();
        reader.write(bytes.subarray(0, cut % bytes.length));
        if (!reader.complete) expect(() => reader.end()).toThrow(TableMetadataError);
      }),
    );
    for (const text of [
      '',
      '{',
      '[]',
      '{}',
      '"x"',
      '{"format-version":2,}',
      '{"format-version":2]',
      '{"format-version" 2}',
      '{"format-version":2} x',
      '{"format-version":2,"a":[1 2]}',
      '{"format-version":2,"a":[1,]}',
      '{"format-version":what}',
      '{format-version:2}',
    ]) {
      expect(() => readSnapshots(text)).toThrow(TableMetadataError);
    }
  });

  it('keeps of each snapshot what is counted, and no text of the file', () => {
    const many = Array.from(
      { length: 20_000 },
      (_, n) =>
        `{"snapshot-id":${9_000_000_000_000_000n + BigInt(n)},"timestamp-ms":1795428002000,"summary":{"operation":"append","added-records":"5","note":"${'x'.repeat(600)}"}}`,
    );
    const reader = inChunks(`{"format-version":2,"current-snapshot-id":1,"snapshots":[${many.join(',')}]}`, [65_536]);
    expect(reader.complete).toBe(true);
    const { byId } = reader.end();
    expect(byId.size).toBe(20_000);
    expect(byId.get('9000000000019999')).toEqual({
      id: '9000000000019999',
      parentId: undefined,
      operation: 'append',
      committedAt: 1795428002000,
      addedRecords: 5,
    });
  });
});
