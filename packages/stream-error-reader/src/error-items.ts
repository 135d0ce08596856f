import { decodeString, memberSources, parseTime } from '@lean-ops/common/core';
import { piecesOf, type Piece } from './json-segments';

export const UNREADABLE = 'UNREADABLE_ERROR_OBJECT';

interface Told {
  /** Bounded, and fit for a key. */
  readonly code: string;
  readonly message: string;
  /** Milliseconds since the epoch; undefined when the part does not say. */
  readonly failedAt: number | undefined;
  readonly attempts: number;
}

/** What Firehose says in one piece of an error object. */
export type Part =
  | (Told & { readonly kind: 'records'; readonly raw: Buffer })
  | (Told & { readonly kind: 'data_files'; readonly files: readonly string[] })
  | (Told & { readonly kind: 'unreadable'; readonly bytes: number });

type Sources = ReadonlyMap<string, string>;

/** 9999-12-31: a later time has more digits of a year and would not sort. */
const LAST_MILLIS = 253_402_300_799_999;
/** A file is named by its URI or its key, and nothing else stands in that text. */
const DATA_FILE = /^\S+\.parquet$/;
const URI = /^s3a?:\/\/\S+$/;

function textOf(sources: Sources, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const source = sources.get(name);
    if (source?.startsWith('"')) return decodeString(source);
    if (source !== undefined && source !== 'null') return source;
  }
  return undefined;
}

function millisOf(sources: Sources, name: string): number | undefined {
  const text = textOf(sources, name) ?? '';
  const time = parseTime(text);
  const millis = time.ok ? Number(time.micros / 1000n) : /^\d{1,15}(\.0+)?$/.test(text) ? Number(text) : 0;
  return millis > 0 && millis <= LAST_MILLIS ? millis : undefined;
}

/** A code as part of a sort key: no text of somebody's reaches a key as it came. */
function codeOf(text: string | undefined, fallback: string): string {
  const code = (text ?? '')
    .trim()
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 100);
  return code === '' ? fallback : code;
}

/** AWS's pages name these members in three ways. */
function toldBy(sources: Sources, fallback: string): Told {
  const ended = millisOf(sources, 'attemptEndingTimestamp');
  const arrived = millisOf(sources, 'arrivalTimestamp');
  const attempts = Number(textOf(sources, 'attemptsMade'));
  return {
    code: codeOf(textOf(sources, 'errorCode', 'lastErrorCode', 'ErrorCode'), fallback),
    message: (textOf(sources, 'errorMessage', 'lastErrorMessage', 'ErrorMessage') ?? '').slice(0, 1_000),
    failedAt: ended === undefined || arrived === undefined ? (ended ?? arrived) : Math.max(ended, arrived),
    attempts: Number.isSafeInteger(attempts) && attempts >= 0 ? attempts : 0,
  };
}

/** Every text in the value, at any depth, without recursion. */
function stringsIn(value: unknown): string[] {
  const found: string[] = [];
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') found.push(next.trim());
    else if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) waiting.push(inner);
  }
  return found.reverse();
}

/** AWS does not publish the member that names them, so whatever reads like a data file is one. */
function dataFilesIn(value: unknown): string[] {
  const texts = [...new Set(stringsIn(value))];
  const files = texts.filter((text) => DATA_FILE.test(text));
  return files.length > 0 ? files : texts.filter((text) => URI.test(text));
}

function unreadable(text: string, why: string, told: Partial<Told> = {}): Part {
  return {
    kind: 'unreadable',
    code: UNREADABLE,
    // What Firehose says of it, if that much can be read.
    message: told.message ? `${why}: ${told.message}` : why,
    failedAt: told.failedAt,
    attempts: told.attempts ?? 0,
    bytes: Buffer.byteLength(text),
  };
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text);
}

function partOfObject(text: string): Part {
  const sources = memberSources(text);
  if (sources === undefined) return unreadable(text, 'not a JSON object');
  const rawData = sources.get('rawData');
  if (rawData?.startsWith('"')) {
    const base64 = decodeString(rawData);
    const told = toldBy(sources, 'UNKNOWN_ERROR');
    if (isBase64(base64)) return { kind: 'records', ...told, raw: Buffer.from(base64, 'base64') };
    return unreadable(text, 'rawData is not base64', told);
  }
  const files = dataFilesIn(JSON.parse(text) as unknown);
  if (files.length > 0) return { kind: 'data_files', ...toldBy(sources, 'DATA_FILES_NOT_COMMITTED'), files };
  return unreadable(text, 'neither a record (rawData) nor a data file is named', toldBy(sources, UNREADABLE));
}

const isObjectItem = (item: unknown): item is object =>
  typeof item === 'object' && item !== null && !Array.isArray(item);

/** Objects are read one by one, texts that name data files together; whatever else is there is one unreadable part. */
function* partsOfItems(items: readonly unknown[], text: string): Generator<Part> {
  for (const item of items.filter(isObjectItem)) yield partOfObject(JSON.stringify(item));
  const others = items.filter((item) => !isObjectItem(item));
  const files = dataFilesIn(others);
  if (files.length > 0) yield { kind: 'data_files', ...toldBy(new Map(), 'DATA_FILES_NOT_COMMITTED'), files };
  const strange = others.length > 0 && files.length === 0;
  if (items.length === 0 || strange) yield unreadable(text, 'neither a record nor a data file is named');
}

function* partsOfPiece({ kind, text }: Piece): Generator<Part> {
  if (kind === 'object') yield partOfObject(text);
  else if (kind === 'array') yield* partsOfItems(JSON.parse(text) as unknown[], text);
  else yield* partsOfItems([text.replace(/^"|"?,?$/g, '')], text);
}

/** Everything an error object says, in order. Never throws, whatever the bytes are: nothing of it may be lost. */
export function* partsOf(object: Buffer): Generator<Part> {
  for (const piece of piecesOf(object)) yield* partsOfPiece(piece);
}
