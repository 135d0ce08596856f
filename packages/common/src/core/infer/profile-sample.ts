import { columnName, MAX_COLUMN_NAME, MAX_DEPTH, pathText } from '../schema/columns';
import { decodeString, elementSources, scanJson } from '../json/scan';
import { wellFormed } from '../envelope/fields';
import { readEnvelope } from '../envelope/read-envelope';
import { withoutByteOrderMark } from '../envelope/payload-text';
import type { TopicName } from '../topic';
import type { OddValue } from './odd-values';
import type { ColumnCounts, KindCount, ValueKind } from './profile-statements';
import { kindOf } from './value-kind';
import { listed } from '../problem';

/** What a sample of messages says of their fields, as the statements of profile-statements.ts say it of a table. */
export interface SampleProfile {
  readonly columns: readonly string[];
  readonly counts: ColumnCounts;
  /** The paths of the columns as the producers write them. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  readonly values: readonly (OddValue & { readonly kind: ValueKind })[];
  /** What of the sample was not used, one sentence each. */
  readonly notes: readonly string[];
}

/** Different values that are kept of a column; more are counted, and not listed. */
const MAX_VALUES = 1_000;

interface SampledColumn {
  readonly path: readonly string[];
  /** How many values have one form, and the different ones with their counts. */
  readonly kinds: Map<ValueKind, { rows: number; readonly values: Map<string, number> }>;
}

/**
 * Profiles a sample: a JSON object, a JSON array of messages, or a message on each line. A message is what a producer
 * sends, with or without its envelope.
 */
export function profileSample(text: string, topic: TopicName): SampleProfile {
  const left = { ofOtherTopics: 0, unreadable: 0 };
  const messages: (readonly Leaf[])[] = [];
  for (const body of messagesOf(withoutByteOrderMark(text))) {
    const read = readEnvelope(
      { body, topicAttribute: topic, messageId: 'sample', sentAt: 0n, receivedAt: 0n },
      { maxClockSkew: 0n },
    );
    const leaves = read.ok && read.envelope.topic === topic ? leavesOf(read.envelope.payload) : undefined;
    if (!read.ok || read.envelope.topic !== topic) left.ofOtherTopics++;
    else if (leaves === undefined) left.unreadable++;
    else messages.push(leaves);
  }
  const holders = columnHolders(messages.flat());
  const columns = new Map<string, SampledColumn>();
  const colliding = new Set<string>();
  for (const { path, text: value } of messages.flat()) {
    const column = columnName(path);
    const holder = holders.get(column);
    if (holder === undefined) continue;
    if (pathText(holder) === pathText(path)) {
      const known = columns.get(column) ?? { path, kinds: new Map() };
      columns.set(column, known);
      if (value !== null) add(known, value);
    } else colliding.add(pathText(path));
  }
  const tooDeep = new Set(messages.flat().flatMap(({ path }) => (hasColumn(path) ? [] : [pathText(path)])));
  const rows = messages.length;
  return {
    columns: [...columns.keys()],
    counts: { rows, kinds: [...columns].flatMap(([column, one]) => kindCounts(column, one)) },
    paths: new Map([...columns].map(([column, { path }]) => [column, path])),
    values: [...columns].flatMap(([column, { kinds }]) =>
      [...kinds].flatMap(([kind, { values }]) =>
        [...values].map(([value, count]) => ({ column, kind, value, rows: count })),
      ),
    ),
    notes: notesOn({ ...left, tooDeep, colliding }),
  };
}

function hasColumn(path: readonly string[]): boolean {
  return path.length <= MAX_DEPTH && columnName(path).length <= MAX_COLUMN_NAME;
}

/**
 * The path that has each column: of several that end in one, the path that spells it exactly, else the first in the order
 * of texts. The twin is `assigned` in scripts/glue/lean_ops/columns/column_paths.py; both are held to
 * tests/conformance/flatten.json.
 */
function columnHolders(leaves: readonly Leaf[]): Map<string, readonly string[]> {
  const holders = new Map<string, readonly string[]>();
  for (const { path } of leaves) {
    if (!hasColumn(path)) continue;
    const column = columnName(path);
    const holder = holders.get(column);
    if (holder === undefined || isBefore(path, holder, column)) holders.set(column, path);
  }
  return holders;
}

function isBefore(path: readonly string[], other: readonly string[], column: string): boolean {
  const [spells, otherSpells] = [path, other].map((one) => one.join('__') === column);
  if (spells !== otherSpells) return spells === true;
  return Buffer.compare(Buffer.from(pathText(path)), Buffer.from(pathText(other))) < 0;
}

function messagesOf(text: string): readonly string[] {
  const whole = scanJson(text);
  if (whole.kind === 'object') return [text];
  const elements = whole.kind === 'other' ? elementSources(text) : undefined;
  return elements ?? text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

interface Leaf {
  readonly path: readonly string[];
  /** The value's text, as Standardized has it; null for a member that is null, which holds its column all the same. */
  readonly text: string | null;
}

/** The values of a payload; undefined for a text that is not JSON. */
function leavesOf(payload: string): Leaf[] | undefined {
  const scan = scanJson(payload);
  if (scan.kind === 'invalid') return undefined;
  const source = payload.trim();
  // A payload that is no object has one column, and null is a value there.
  if (scan.kind === 'other') return source === 'null' ? [{ path: ['value'], text: source }] : leafOf(['value'], source);
  return membersOf(source, []);
}

function membersOf(source: string, path: readonly string[]): Leaf[] {
  const scan = scanJson(source);
  const members = scan.kind === 'object' ? scan.members : [];
  // Of members of one name the last counts, as in the pipeline.
  const sources = new Map(members.map(({ key, start, end }) => [key, source.slice(start, end)]));
  return [...sources].flatMap(([key, value]) => leafOf([...path, key], value));
}

function leafOf(path: readonly string[], source: string): Leaf[] {
  if (source === 'null') return [{ path, text: null }];
  if (source.startsWith('"')) return [{ path, text: wellFormed(decodeString(source)) }];
  if (!source.startsWith('{')) return [{ path, text: source }];
  // Deeper levels are not read: they would have no column of their own.
  if (path.length > MAX_DEPTH) return [{ path, text: source }];
  const inside = membersOf(source, path);
  return inside.length === 0 && /^\{\s*\}$/.test(source) ? [{ path, text: '{}' }] : inside;
}

function add({ kinds }: SampledColumn, text: string): void {
  const kind = kindOf(text);
  const seen = kinds.get(kind) ?? { rows: 0, values: new Map<string, number>() };
  seen.rows++;
  if (seen.values.has(text) || seen.values.size < MAX_VALUES) seen.values.set(text, (seen.values.get(text) ?? 0) + 1);
  kinds.set(kind, seen);
}

function kindCounts(column: string, { kinds }: SampledColumn): KindCount[] {
  return [...kinds].map(([kind, { rows, values }]) => ({ column, kind, rows, distinct: values.size }));
}

function countOf(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`;
}

function notesOn(left: {
  readonly ofOtherTopics: number;
  readonly unreadable: number;
  readonly tooDeep: ReadonlySet<string>;
  readonly colliding: ReadonlySet<string>;
}): string[] {
  return [
    ...(left.ofOtherTopics > 0 ? [`left out, as they are of other topics: ${countOf(left.ofOtherTopics)}`] : []),
    ...(left.unreadable > 0 ? [`left out, as they are not JSON: ${countOf(left.unreadable)}`] : []),
    ...(left.tooDeep.size > 0 ? [`left out, as no column can hold it: ${listed([...left.tooDeep])}`] : []),
    ...(left.colliding.size > 0
      ? [`left out, as another field has the same column: ${listed([...left.colliding])}`]
      : []),
  ];
}
