import { decodeString, memberSources, parseTime } from '@lean-ops/common/core';
import { segmentsOf, type JsonSegment } from './json-segments';

export const UNREADABLE = 'UNREADABLE_ERROR_OBJECT';

/** The last millisecond of the year 9999. A later time has more digits in its year and would not sort. */
const LAST_MILLIS = 253_402_300_799_999;
const MAX_CODE = 100;
const MAX_MESSAGE = 1_000;
/** A text that is the URI or the key of a data file, and nothing else. */
const DATA_FILE = /^\S+\.parquet$/;
const URI = /^s3a?:\/\/\S+$/;

/** The failure of an item, as Firehose reports it. */
interface FailureFacts {
  /** The error code, bounded in length and safe in a key. */
  readonly code: string;
  readonly message: string;
  /** Epoch milliseconds; undefined when the item does not say. */
  readonly failedAt: number | undefined;
  readonly attempts: number;
}

/** One failure in an error object: a record, a list of data files that were not committed, or an unreadable segment. */
export type ErrorItem =
  | (FailureFacts & { readonly kind: 'records'; readonly raw: Buffer })
  | (FailureFacts & { readonly kind: 'data_files'; readonly files: readonly string[] })
  | (FailureFacts & { readonly kind: 'unreadable'; readonly bytes: number });

type Sources = ReadonlyMap<string, string>;

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

/** The code in a form that is safe in a sort key: no foreign text gets into a key unchanged. */
function codeOf(text: string | undefined, fallback: string): string {
  const code = (text ?? '')
    .trim()
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, MAX_CODE);
  return code === '' ? fallback : code;
}

/** Reads the facts of a failure. AWS's documentation spells the names of these members in three ways. */
function failureFactsOf(sources: Sources, fallback: string): FailureFacts {
  const ended = millisOf(sources, 'attemptEndingTimestamp');
  const arrived = millisOf(sources, 'arrivalTimestamp');
  const attempts = Number(textOf(sources, 'attemptsMade'));
  return {
    code: codeOf(textOf(sources, 'errorCode', 'lastErrorCode', 'ErrorCode'), fallback),
    message: (textOf(sources, 'errorMessage', 'lastErrorMessage', 'ErrorMessage') ?? '').slice(0, MAX_MESSAGE),
    failedAt: ended === undefined || arrived === undefined ? (ended ?? arrived) : Math.max(ended, arrived),
    attempts: Number.isSafeInteger(attempts) && attempts >= 0 ? attempts : 0,
  };
}

/** Every text in the value, at any depth. It does not recurse, so depth cannot exhaust the stack. */
function stringsIn(value: unknown): string[] {
  const found: string[] = [];
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') found.push(next.trim());
    else if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) waiting.push(inner);
  }
  return found.reverse();
}

/** The data files that a value names. AWS does not document the member, so every text that looks like one counts. */
function dataFilesIn(value: unknown): string[] {
  const texts = [...new Set(stringsIn(value))];
  const files = texts.filter((text) => DATA_FILE.test(text));
  return files.length > 0 ? files : texts.filter((text) => URI.test(text));
}

function unreadable(text: string, why: string, facts: Partial<FailureFacts> = {}): ErrorItem {
  return {
    kind: 'unreadable',
    code: UNREADABLE,
    // Firehose's own message, when that much can be read.
    message: facts.message ? `${why}: ${facts.message}` : why,
    failedAt: facts.failedAt,
    attempts: facts.attempts ?? 0,
    bytes: Buffer.byteLength(text),
  };
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text);
}

function itemOfObject(text: string): ErrorItem {
  const sources = memberSources(text);
  if (sources === undefined) return unreadable(text, 'not a JSON object');
  const rawData = sources.get('rawData');
  if (rawData?.startsWith('"')) {
    const base64 = decodeString(rawData);
    const facts = failureFactsOf(sources, 'UNKNOWN_ERROR');
    if (isBase64(base64)) return { kind: 'records', ...facts, raw: Buffer.from(base64, 'base64') };
    return unreadable(text, 'rawData is not base64', facts);
  }
  const files = dataFilesIn(JSON.parse(text) as unknown);
  if (files.length > 0) return { kind: 'data_files', ...failureFactsOf(sources, 'DATA_FILES_NOT_COMMITTED'), files };
  return unreadable(text, 'neither a record (rawData) nor a data file is named', failureFactsOf(sources, UNREADABLE));
}

const isObjectItem = (item: unknown): item is object =>
  typeof item === 'object' && item !== null && !Array.isArray(item);

/**
 * The items of an array. Each object is one item, all texts that name data files are one item together, and whatever else
 * the array holds is one unreadable item.
 */
function* itemsOfArray(items: readonly unknown[], text: string): Generator<ErrorItem> {
  for (const item of items.filter(isObjectItem)) yield itemOfObject(JSON.stringify(item));
  const others = items.filter((item) => !isObjectItem(item));
  const files = dataFilesIn(others);
  if (files.length > 0) yield { kind: 'data_files', ...failureFactsOf(new Map(), 'DATA_FILES_NOT_COMMITTED'), files };
  const strange = others.length > 0 && files.length === 0;
  if (items.length === 0 || strange) yield unreadable(text, 'neither a record nor a data file is named');
}

function* itemsOfSegment({ kind, text }: JsonSegment): Generator<ErrorItem> {
  if (kind === 'object') yield itemOfObject(text);
  else if (kind === 'array') yield* itemsOfArray(JSON.parse(text) as unknown[], text);
  else yield* itemsOfArray([text.replace(/^"|"?,?$/g, '')], text);
}

/** Every item of an error object, in order. Never throws, whatever the bytes are, because none of them may be lost. */
export function* errorItemsOf(object: Buffer): Generator<ErrorItem> {
  for (const segment of segmentsOf(object)) yield* itemsOfSegment(segment);
}
