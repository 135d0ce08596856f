import type { ByteStore } from '@lean-ops/common/aws';
import { isMicros, messageOf, type Micros } from '@lean-ops/common/core';
import type { Config } from './config';
import { frameOfRow, type Sendable } from './sendable';

/** The only place where a data file may lie: RAW's folder of the warehouse. */
export type RawTableLocation = Pick<Config, 'lakeBucket' | 'rawDatabase' | 'rawTable' | 'maxObjectBytes'>;

export interface FileRefusal {
  readonly ok: false;
  readonly code: 'NOT_A_RAW_DATA_FILE' | 'DATA_FILE_MISSING' | 'DATA_FILE_TOO_LARGE' | 'DATA_FILE_UNREADABLE';
  readonly message: string;
}

export type LocatedFile = { readonly ok: true; readonly key: string } | FileRefusal;

/** A data file that was opened. */
export interface OpenFile {
  readonly ok: true;
  readonly rows: number;
  /** The rows, in slices of about SLICE_BYTES at most. Throws when the file breaks off. */
  readonly slices: () => AsyncGenerator<readonly Sendable[]>;
}

/** Uncompressed bytes of the rows that are decoded at a time. */
const SLICE_BYTES = 16 * 1024 * 1024;
const MAX_REASON = 200;

/** RAW's columns, as far as a record is made of them. */
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
  // Buffer keeps a byte order mark at the start of a payload, which TextDecoder would remove.
  stringFromBytes: (bytes: Uint8Array | undefined) =>
    bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  timestampFromMilliseconds: (millis: bigint) => millis * 1_000n,
  timestampFromMicroseconds: (micros: bigint) => micros,
  timestampFromNanoseconds: (nanos: bigint) => nanos / 1_000n,
};

/**
 * The key of a data file that an error object names by URI or by key. Other places are refused, because whoever can write
 * an error object must not make this function read what its role may read elsewhere.
 */
export function locate(name: string, { lakeBucket, rawDatabase, rawTable }: RawTableLocation): LocatedFile {
  const uri = /^s3a?:\/\/([^/]+)\/(.+)$/.exec(name);
  const key = uri === null ? name.replace(/^\//, '') : (uri[2] ?? '');
  const home = `warehouse/${rawDatabase}/${rawTable}/`;
  const isOurs = (uri === null || uri[1] === lakeBucket) && key.startsWith(home) && !/(^|\/)\.{1,2}(\/|$)/.test(key);
  if (isOurs && key.endsWith('.parquet')) return { ok: true, key };
  return { ok: false, code: 'NOT_A_RAW_DATA_FILE', message: `no .parquet file under s3://${lakeBucket}/${home}` };
}

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
  // The libraries are loaded for the first data file and not at every cold start, because most invocations meet none.
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  // Only the ranges that are read are copied: a copy of the whole file would double the memory.
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

/**
 * Opens the data file that an error object names, or says why it cannot be read.
 *
 * @throws whatever S3 throws; a missing file is an answer and not an error
 */
export async function openDataFile(
  name: string,
  location: RawTableLocation,
  bytes: ByteStore,
): Promise<OpenFile | FileRefusal> {
  const located = locate(name, location);
  if (!located.ok) return located;
  const found = await bytes.get(location.lakeBucket, located.key, location.maxObjectBytes);
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
    return { ok: false, code: 'DATA_FILE_UNREADABLE', message: messageOf(error).slice(0, MAX_REASON) };
  }
}
