/** Slips that no rule of a schema forbids, as the data shows them. Without a warning they end in a column of NULLs. */
import {
  columnName,
  memberPrefix,
  nearestWord,
  pathText,
  profiledColumns,
  type SchemaColumn,
  type TopicSchema,
} from '@lean-ops/common/core';

/** A column that rows of the topic have, or had. */
export interface DataColumn {
  readonly column: string;
  /** The names of its path in the payloads; undefined where nobody knows. */
  readonly path: readonly string[] | undefined;
}

export type Slip =
  /** No row has a value for the field. */
  | {
      readonly code: 'NO_DATA';
      readonly field: SchemaColumn;
      /** What the author may have meant, as the data has it. */
      readonly suggestion: string | undefined;
      /** Whether the active schema has the field already, so that the merge does not bring it. */
      readonly inForce: boolean;
    }
  /** No row has a value for the field, whose name has dots where payloads have objects. */
  | {
      readonly code: 'DOT_IN_NAME';
      readonly field: SchemaColumn;
      readonly suggestion: string;
      readonly inForce: boolean;
    }
  /** Columns of the data that the schema leaves out. */
  | { readonly code: 'NOT_IN_SCHEMA'; readonly columns: readonly string[] };

export interface SlipEvidence {
  readonly candidate: TopicSchema;
  readonly active: TopicSchema | undefined;
  /** Columns whose absence says nothing: fields that are `deprecated`, and those that rows have an object in place of. */
  readonly exempt: ReadonlySet<string>;
  /** The candidate's columns that a row has a value for. */
  readonly filled: ReadonlySet<string>;
  readonly data: readonly DataColumn[];
}

/** The slips of a candidate, in the order of the schema. */
export function findSlips({ candidate, active, exempt, filled, data }: SlipEvidence): readonly Slip[] {
  const formerNames = candidate.columns.flatMap((one) => one.formerNames);
  const known = new Set([...candidate.columns, ...candidate.objects, ...formerNames].map(({ column }) => column));
  const payload = new Set(profiledColumns(data.map(({ column }) => column)));
  // What cycles took in columns of an object that the schema keeps as sent.
  const taken = candidate.opaquePaths.map(memberPrefix);
  const leftOut = data.filter(
    ({ column }) => payload.has(column) && !known.has(column) && !taken.some((prefix) => column.startsWith(prefix)),
  );
  const before = new Set(active?.columns.map(({ column }) => column));
  const empty = candidate.columns.filter(({ column }) => !filled.has(column) && !exempt.has(column));
  const slips = empty.map((field): Slip => {
    const inForce = [field, ...field.formerNames].some(({ column }) => before.has(column));
    const nested = nestedColumn(field, leftOut);
    if (nested !== undefined) return { code: 'DOT_IN_NAME', field, suggestion: shown(nested), inForce };
    const likely = likelyColumn(field.column, leftOut);
    return { code: 'NO_DATA', field, suggestion: likely && shown(likely), inForce };
  });
  const columns = leftOut.map(({ column }) => column);
  return columns.length === 0 ? slips : [...slips, { code: 'NOT_IN_SCHEMA', columns }];
}

function shown({ column, path }: DataColumn): string {
  return path === undefined ? column : pathText(path);
}

/** The column of the data that the field would be, if the dots in its names stood for objects. */
function nestedColumn({ path }: SchemaColumn, data: readonly DataColumn[]): DataColumn | undefined {
  if (!path.some((name) => name.includes('.'))) return undefined;
  const nested = columnName(path.flatMap((name) => name.split('.')));
  return data.find(({ column }) => column === nested);
}

/** The least characters that a word of two names must share, so that one is taken for a short form of the other. */
const LEAST_SHARED = 3;

/**
 * The column that a field without data most likely means: the same letters (`tempC`, `temp_c`), then a misspelling,
 * then one whose words begin alike (`temperatur`, `temp_c`). undefined without one, and where two are as likely.
 */
function likelyColumn(column: string, data: readonly DataColumn[]): DataColumn | undefined {
  const letters = (name: string) => name.replaceAll('_', '');
  const same = data.filter((one) => letters(one.column) === letters(column));
  if (same.length === 1) return same[0];
  const misspelt = data.filter((one) => isMisspelt(column, one.column));
  const nearest = nearestWord(
    column,
    misspelt.map((one) => one.column),
  );
  if (nearest !== undefined) return data.find((one) => one.column === nearest);
  const scored = data
    .map((one) => ({ one, score: sharedBeginnings(column, one.column) }))
    .filter(({ score }) => score >= LEAST_SHARED)
    .sort((a, b) => b.score - a.score);
  const [first, second] = scored;
  return first !== undefined && first.score !== second?.score ? first.one : undefined;
}

/**
 * Whether what is different of two names is a misspelling: `humidty_in` and `humidity_in`. Of siblings such as `gps_lat` and
 * `gps_lon` the names are near, and the words that differ are not.
 */
function isMisspelt(name: string, other: string): boolean {
  const [own, others] = [name.split('_'), other.split('_')];
  while (own.length > 0 && own[0] === others[0]) {
    own.shift();
    others.shift();
  }
  while (own.length > 0 && own.at(-1) === others.at(-1)) {
    own.pop();
    others.pop();
  }
  return nearestWord(own.join('_'), [others.join('_')]) !== undefined;
}

/**
 * The characters of words that begin the word in the same place of the other name: 4 of `temperatur` and `temp_c`. None where
 * a word differs from that in its place: `battery_level` is no short form of `battery_voltage`.
 */
function sharedBeginnings(name: string, other: string): number {
  const words = (text: string) => text.split('_').filter((word) => word !== '');
  const others = words(other);
  let shared = 0;
  for (const [index, word] of words(name).slice(0, others.length).entries()) {
    const there = others[index] ?? '';
    if (!word.startsWith(there) && !there.startsWith(word)) return 0;
    shared += Math.min(word.length, there.length);
  }
  return shared;
}
