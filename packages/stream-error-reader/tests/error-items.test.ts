import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inventoryOf } from '../src/inventory';
import { errorItemsOf, type ErrorItem } from '../src/error-items';
import { segmentsOf } from '../src/json-segments';
import { DATA_FILE, errorLine, filesLine, frameOf, KEY } from './world';

const itemsOf = (text: string | Uint8Array): ErrorItem[] => [...errorItemsOf(Buffer.from(text))];
const kinds = (text: string): string[] => itemsOf(text).map(({ kind }) => kind);

describe('errorItemsOf', () => {
  it('reads a failed record', () => {
    expect(itemsOf(errorLine('abc'))).toEqual([
      {
        kind: 'records',
        code: 'Lambda.InvokeAccessDenied',
        message: 'User is not authorized to perform: lambda:InvokeFunction',
        failedAt: 1_795_428_540_000,
        attempts: 4,
        raw: Buffer.from('abc'),
      },
    ]);
  });

  it.each([
    [
      'numbers as text',
      { attemptsMade: '4', arrivalTimestamp: '1795428003000', attemptEndingTimestamp: '1795428540000' },
    ],
    ['lastErrorCode', { errorCode: undefined, errorMessage: undefined, lastErrorCode: 'X.Y', lastErrorMessage: 'why' }],
    ['ErrorCode', { errorCode: undefined, errorMessage: undefined, ErrorCode: 'X.Y', ErrorMessage: 'why' }],
  ])("takes AWS's other spellings: %s", (name, overrides) => {
    const [item] = itemsOf(errorLine('abc', overrides));
    expect(item).toMatchObject({ kind: 'records', attempts: 4, failedAt: 1_795_428_540_000 });
    if (name !== 'numbers as text') expect(item).toMatchObject({ code: 'X.Y', message: 'why' });
  });

  it.each([
    ['line by line', (lines: string[]) => lines.join('\n')],
    ['with CRLF and empty lines', (lines: string[]) => `\r\n${lines.join('\r\n\r\n')}\r\n`],
    ['without any line feed', (lines: string[]) => lines.join('')],
    ['with a byte order mark', (lines: string[]) => `\uFEFF${lines.join('\n')}`],
    ['as one array', (lines: string[]) => `[${lines.join(',')}]`],
  ])('reads several items %s', (_, join) => {
    expect(kinds(join([errorLine('a'), filesLine([DATA_FILE]), errorLine('b"}{')]))).toEqual([
      'records',
      'data_files',
      'records',
    ]);
  });

  it('reads one document over several lines', () => {
    expect(kinds(JSON.stringify(JSON.parse(errorLine('a')), undefined, 2))).toEqual(['records']);
  });

  it('loses no neighbour to a line that is cut off', () => {
    expect(kinds(`${errorLine('a').slice(0, 40)}\n${errorLine('b')}\n<xml/>\n${errorLine('c')}`)).toEqual([
      'unreadable',
      'records',
      'unreadable',
      'records',
    ]);
    expect(kinds(`garbage ${errorLine('b')} more`)).toEqual(['unreadable', 'records', 'unreadable']);
  });

  it.each([
    ['a list', filesLine([DATA_FILE, 'warehouse/lean_ops_raw/events/data/b.parquet']), 2],
    ['a member nobody foresaw, nested', filesLine([], { failure: { keys: [{ path: DATA_FILE }] } }), 1],
    ['one text', filesLine([], { s3Key: DATA_FILE }), 1],
    ['the same file twice', filesLine([DATA_FILE, DATA_FILE]), 1],
    ['a URI without an ending', filesLine([], { location: 's3://lake/warehouse/x' }), 1],
    ['bare text', DATA_FILE, 1],
    ['a JSON array', JSON.stringify([DATA_FILE, `${DATA_FILE}2.parquet`]), 2],
  ])('finds data files by what they look like: %s', (_, text, count) => {
    const [item, ...rest] = itemsOf(text);
    expect(rest).toEqual([]);
    expect(item).toMatchObject({ kind: 'data_files' });
    expect(item?.kind === 'data_files' && item.files).toHaveLength(count);
  });

  it.each([
    ['rawData that is not base64', errorLine('', { rawData: 'not base64!' })],
    ['no rawData and no file', filesLine([])],
    ['a number', '42'],
    ['half an object', '{"a":'],
  ])('keeps what it cannot read, with what Firehose says of it: %s', (_, text) => {
    expect(itemsOf(text)).toMatchObject([{ kind: 'unreadable', code: 'UNREADABLE_ERROR_OBJECT' }]);
  });

  it('lets no code into a key as it came', () => {
    const [item] = itemsOf(errorLine('a', { errorCode: '#../..\n"x"'.padEnd(500, 'y') }));
    expect(item?.code).toMatch(/^[A-Za-z0-9._-]{1,100}$/);
  });

  it('walks values of any depth, and lines of open brackets in linear time', () => {
    const deep = `{"a":${'['.repeat(100_000)}"${DATA_FILE}"${']'.repeat(100_000)}}`;
    expect(kinds(deep)).toEqual(['data_files']);
    expect(kinds('{'.repeat(1_000_000))).toEqual(['unreadable']);
  });
});

describe('any bytes as an error object', () => {
  const segment = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((raw) => errorLine(raw)),
    fc.constantFrom(
      errorLine(frameOf()),
      filesLine([DATA_FILE]),
      '{}',
      '[]',
      '[1,"a"]',
      '{"rawData":7}',
      '{{',
      '"',
      'é',
    ),
    fc.json(),
    fc.string(),
  );
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.tuple(segment, fc.constantFrom('\n', '\r\n', '', '\n\n', ' ')), { maxLength: 12 })
      .map((all) => Buffer.from(all.flat().join(''))),
  );

  it('never throw, and every item is counted once, the same each time', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const found = inventoryOf(KEY, bytes, 0);
        expect(found.records + found.dataFileItems + found.unreadable).toBe(found.items);
        expect(found.drafts.reduce((sum, { records }) => sum + records, 0)).toBe(
          found.records + found.dataFiles + found.unreadable,
        );
        expect(inventoryOf(KEY, bytes, 0)).toEqual(found);
        expect(new Set(found.drafts.map((d) => `${d.topic_name}/${d.failed_at_message_id}`)).size).toBe(
          found.drafts.length,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('lose nothing but white space when taken apart', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const kept = [...segmentsOf(Buffer.from(text))].map((found) => found.text).join('');
        expect(kept.replace(/\s/g, '')).toBe(Buffer.from(text).toString('utf8').replace(/\s/g, ''));
      }),
    );
  });

  it('give as many items as there are lines, where each line is one', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(errorLine('x'), filesLine([DATA_FILE]), 'garbage', '{"a":1}')), (lines) => {
        expect(inventoryOf(KEY, Buffer.from(lines.join('\n')), 0).items).toBe(lines.length);
      }),
    );
  });
});
