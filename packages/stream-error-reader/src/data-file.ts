import type { ByteStore } from '@lean-ops/common/aws';
import { isMicros, messageOf, type Micros } from '@lean-ops/common/core';
import type { Config } from './config';
import { frameOfRow, type Sendable } from './sendable';

/** Where a data file may lie: RAW's part of the warehouse and nowhere else. */
export type FilePlace = Pick<Config, 'lakeBucket' | 'rawDatabase' | 'rawTable' | 'maxObjectBytes'>;

export interface FileRefusal {
  readonly ok: false;
  readonly code: 'NOT_A_RAW_DATA_FILE' | 'DATA_FILE_MISSING' | 'DATA_FILE_TOO_LARGE' | 'DATA_FILE_UNREADABLE';
  readonly message: string;
}

export type LocatedFile = { readonly ok: true; readonly key: string } | FileRefusal;

export interface OpenFile {
  readonly ok: true;
  readonly rows: number;
  /** Rows in slices, each some megabytes at most; throws for a file that breaks off. */
  readonly slices: () => AsyncGenerator<readonly Sendable[]>;
}

/**
 * The key of a data file as an error object names it: by URI or by key. Whoever can write an error object must not have
 * the function read for him what its role may read elsewhere.
 */
export function locate(name: string, { lakeBucket, rawDatabase, rawTable }: FilePlace): LocatedFile {
  const uri = /^s3a?:\/\/([^/]+)\/(.+)$/.exec(name);
  const key = uri === null ? name.replace(/^\//, '') : (uri[2] ?? '');
  const home = `warehouse/${rawDatabase}/${rawTable}/`;
  const isOurs = (uri === null || uri[1] === lakeBucket) && key.startsWith(home) && !/(^|\/)\.{1,2}(\/|$)/.test(key);
  if (isOurs && key.endsWith('.parquet')) return { ok: true, key };
  return { ok: false, code: 'NOT_A_RAW_DATA_FILE', message: `no .parquet file under s3://${lakeBucket}/${home}` };
}

/** Uncompressed bytes of the rows that are decoded at a time. */
const SLICE_BYTES = 16 * 1024 * 1024;

const COLUMNS = [
  'topic_name',
  'message_id',
  'idempotency_key',
  'event_time',
  'produced_at',
  'received_at',
  'payload',
  'source_message_id',
  'trace_id',
  'envelope_issues',
];

const PARSERS = {
  // Buffer keeps a byte order mark that a payload begins with; TextDecoder takes it away.
  stringFromBytes: (bytes: Uint8Array | undefined) =>
    bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  timestampFromMilliseconds: (millis: bigint) => millis * 1_000n,
  timestampFromMicroseconds: (micros: bigint) => micros,
  timestampFromNanoseconds: (nanos: bigint) => nanos / 1_000n,
};

type ParquetRow = Readonly<Record<string, unknown>>;

function sendableRow(row: ParquetRow): Sendable {
  return frameOfRow({
    text: (column) => {
      const value = row[column];
      return typeof value === 'string' ? value : undefined;
    },
    micros: (column): Micros | undefined => {
      const value = row[column];
      return typeof value === 'bigint' && isMicros(value) ? value : undefined;
    },
  });
}

async function openParquet(bytes: Buffer): Promise<OpenFile> {
  // Loaded by the first data file, not at every cold start: most invocations meet none.
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  // Copies of parts, as they are asked for: a copy of the whole would double what is held.
  const slice = (start: number, end = bytes.length) => new Uint8Array(bytes.subarray(start, end)).buffer;
  const file = { byteLength: bytes.length, slice };
  const metadata = await parquetMetadataAsync(file);
  const groups = metadata.row_groups.map((group) => ({
    rows: Number(group.num_rows),
    bytes: Number(group.total_byte_size),
  }));
  const names = new Set(metadata.schema.map(({ name }) => name));
  const columns = COLUMNS.filter((column) => names.has(column));
  return {
    ok: true,
    rows: groups.reduce((sum, { rows }) => sum + rows, 0),
    async *slices() {
      let start = 0;
      for (const group of groups) {
        const end = start + group.rows;
        const step = Math.max(1, Math.floor(group.rows / Math.max(1, Math.ceil(group.bytes / SLICE_BYTES))));
        for (; start < end; start = Math.min(start + step, end)) {
          const rowEnd = Math.min(start + step, end);
          const options = { file, metadata, compressors, columns, parsers: PARSERS };
          const rows: ParquetRow[] = await parquetReadObjects({ ...options, rowStart: start, rowEnd });
          yield rows.map(sendableRow);
        }
      }
    },
  };
}

/** @throws what S3 throws, but for a file that is not there: that is told */
export async function openDataFile(name: string, place: FilePlace, bytes: ByteStore): Promise<OpenFile | FileRefusal> {
  const located = locate(name, place);
  if (!located.ok) return located;
  const found = await bytes.get(place.lakeBucket, located.key, place.maxObjectBytes);
  if (found === undefined) {
    return { ok: false, code: 'DATA_FILE_MISSING', message: 'the file is not there any more: orphans are removed' };
  }
  if (!found.ok) {
    return {
      ok: false,
      code: 'DATA_FILE_TOO_LARGE',
      message: `${found.size} bytes: raise MAX_OBJECT_BYTES and the memory`,
    };
  }
  try {
    return await openParquet(found.bytes);
  } catch (error) {
    return { ok: false, code: 'DATA_FILE_UNREADABLE', message: messageOf(error).slice(0, 200) };
  }
}
