import { columnName, MAX_COLUMN_NAME, MAX_DEPTH, pathText } from '../schema/columns';
import { decodeString, elementSources, scanJson } from '../json/scan';
import { readEnvelope } from '../envelope/read-envelope';
import { withoutByteOrderMark } from '../envelope/payload-text';
import type { TopicName } from '../topic';
import type { OddValue } from './odd-values';
import type { ColumnCounts, KindCount, ValueKind } from './profile-statements';
import { kindOf } from './value-kind';

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
  const columns = new Map<string, SampledColumn>();
  const left = { ofOtherTopics: 0, unreadable: 0, tooDeep: new Set<string>(), colliding: new Set<string>() };
  let rows = 0;
  for (const body of messagesOf(withoutByteOrderMark(text))) {
    const read = readEnvelope(
      { body, topicAttribute: topic, messageId: 'sample', sentAt: 0n, receivedAt: 0n },
      { maxClockSkew: 0n },
    );
    if (!read.ok || read.envelope.topic !== topic) {
      left.ofOtherTopics++;
      continue;
    }
    const leaves = leavesOf(read.envelope.payload);
    if (leaves === undefined) {
      left.unreadable++;
      continue;
    }
    rows++;
    const taken = new Set<string>();
    for (const { path, text: value } of leaves) {
      const column = columnName(path);
      const known = columns.get(column) ?? { path, kinds: new Map() };
      const isOther = pathText(known.path) !== pathText(path);
      if (path.length > MAX_DEPTH || column.length > MAX_COLUMN_NAME) left.tooDeep.add(pathText(path));
      else if (isOther || taken.has(column)) left.colliding.add(pathText(path));
      else {
        taken.add(column);
        columns.set(column, known);
        add(known, value);
      }
    }
  }
  return {
    columns: [...columns.keys()],
    counts: { rows, kinds: [...columns].flatMap(([column, one]) => kindCounts(column, one)) },
    paths: new Map([...columns].map(([column, { path }]) => [column, path])),
    values: [...columns].flatMap(([column, { kinds }]) =>
      [...kinds].flatMap(([kind, { values }]) =>
        [...values].map(([value, count]) => ({ column, kind, value, rows: count })),
      ),
    ),
    notes: notesOn(left),
  };
}

function messagesOf(text: string): readonly string[] {
  const whole = scanJson(text);
  if (whole.kind === 'object') return [text];
  const elements = whole.kind === 'other' ? elementSources(text) : undefined;
  return elements ?? text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

interface Leaf {
  readonly path: readonly string[];
  /** The value's text, as Standardized has it. */
  readonly text: string;
}

/** The values of a payload; undefined for a text that is not JSON. */
function leavesOf(payload: string): Leaf[] | undefined {
  const scan = scanJson(payload);
  if (scan.kind === 'invalid') return undefined;
  const source = payload.trim();
  if (scan.kind === 'other') return leafOf(['value'], source);
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
  if (source === 'null') return [];
  if (source.startsWith('"')) return [{ path, text: decodeString(source) }];
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

function messages(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`;
}

function notesOn(left: {
  readonly ofOtherTopics: number;
  readonly unreadable: number;
  readonly tooDeep: ReadonlySet<string>;
  readonly colliding: ReadonlySet<string>;
}): string[] {
  return [
    ...(left.ofOtherTopics > 0 ? [`left out, as they are of other topics: ${messages(left.ofOtherTopics)}`] : []),
    ...(left.unreadable > 0 ? [`left out, as they are not JSON: ${messages(left.unreadable)}`] : []),
    ...(left.tooDeep.size > 0 ? [`left out, as no column can hold it: ${[...left.tooDeep].join(', ')}`] : []),
    ...(left.colliding.size > 0
      ? [`left out, as another field has the same column: ${[...left.colliding].join(', ')}`]
      : []),
  ];
}
