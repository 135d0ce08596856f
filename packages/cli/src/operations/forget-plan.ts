/** The plan of `topic forget`: how many rows the keys have in each table, counted by hashes, so that no key is in a query. */
import { hash } from 'node:crypto';
import {
  databaseOf,
  dmlIdentifier,
  forgottenKeysOf,
  LAYERS,
  mapLimit,
  stringLiteral,
  type Document,
  type TopicName,
} from '@lean-ops/common/core';
import { lakeReader, type LakeReader } from '../pipeline/athena-queries';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { planWork, type PlanResult, type WorkPlan } from './plan';
import type { TopicSituation } from './situation';

/** The most keys of one operation: scripts/glue/lean_ops/forget/keys.py has the same number. */
export const MAX_KEYS = 100;
const SALT_PARTS = 6;
const AT_ONCE = 3;

/** What is to be forgotten, and the words of the command line that say so. */
export interface KeysToForget {
  readonly keys: readonly string[];
  readonly words: readonly string[];
}

/** A table in which the rows of the keys are counted. */
interface CountedTable {
  /** A name for the basis of the plan. */
  readonly name: string;
  readonly label: string;
  readonly layer: (typeof LAYERS)[keyof typeof LAYERS];
  readonly table: string;
  /** Whether it has rows of all topics. */
  readonly shared: boolean;
}

/** The SHA-256 of salt and key, as the record keeps it. The twin is hash_of in scripts/glue/lean_ops/forget/keys.py. */
export function hashOf(salt: string, key: string): string {
  return hash('sha256', `${salt}${key}`, 'hex');
}

/**
 * Counts the rows of the keys: a query for each table that there is, in the operators' work group.
 *
 * @throws CliError when a query is refused
 */
export async function planForget(
  situation: TopicSituation,
  { keys, words }: KeysToForget,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<PlanResult<WorkPlan>> {
  const work = planWork(situation, 'forget');
  if (!work.ok) return work;
  const { topic, tableName } = work.plan;
  const salt = Array.from({ length: SALT_PARTS }, () => operator.hex()).join('');
  const hashes = keys.map((key) => hashOf(salt, key)).sort();
  const reader = lakeReader(operator, deployment);
  const rows = await mapLimit(tablesOf(tableName), AT_ONCE, async (table) => ({
    ...table,
    rows: await countRows(table, topic, salt, hashes, deployment, reader),
  }));
  const there = rows.flatMap(({ rows: count, ...table }) => (count === undefined ? [] : [{ ...table, count }]));
  const counts = Object.fromEntries(there.map(({ name, count }) => [name, count]));
  return {
    ok: true,
    plan: {
      ...work.plan,
      holdAfter: false,
      words: [topic, ...words],
      details: { salt, hashes, rows: counts },
      basis: Object.fromEntries(there.map(({ name, count }) => [name, String(count)])),
      lines: linesOf(keys.length, there),
      besides: (operationId): Document => ({ ...forgottenKeysOf(operationId), keys: [...keys] }),
    },
  };
}

function tablesOf(tableName: string): CountedTable[] {
  return [
    { name: 'raw', label: 'RAW', layer: LAYERS.raw, table: 'events', shared: true },
    { name: 'cycle_delta', label: 'cycle_delta', layer: LAYERS.ops, table: 'cycle_delta', shared: true },
    { name: 'standardized', label: 'Standardized', layer: LAYERS.standardized, table: tableName, shared: false },
    { name: 'curated', label: 'Curated', layer: LAYERS.curated, table: tableName, shared: false },
    { name: 'errors', label: 'errors', layer: LAYERS.ops, table: 'errors', shared: true },
  ];
}

async function countRows(
  { layer, table, shared }: CountedTable,
  topic: TopicName,
  salt: string,
  hashes: readonly string[],
  { lake }: OperationsDeployment,
  reader: LakeReader,
): Promise<number | undefined> {
  const database = databaseOf(lake, layer);
  if ((await reader.getTable(database, table)) === undefined) return undefined;
  const hashed = `lower(to_hex(sha256(to_utf8(concat(${stringLiteral(salt)}, idempotency_key)))))`;
  const own = shared ? `topic_name = ${stringLiteral(topic)} AND ` : '';
  const { rows } = await reader.query(
    `SELECT count(*) FROM ${dmlIdentifier(database)}.${dmlIdentifier(table)} ` +
      `WHERE ${own}${hashed} IN (${hashes.map(stringLiteral).join(', ')})`,
  );
  return Number(rows[0]?.[0] ?? 0);
}

function linesOf(
  keys: number,
  there: readonly { readonly label: string; readonly count: number }[],
): (readonly [string, string])[] {
  const found = there.filter(({ count }) => count > 0);
  const rows = found.map(({ label, count }): readonly [string, string] => [
    'erases',
    `${label}: ${plural(count, 'row')}`,
  ]);
  return [
    ['keys', `${plural(keys, 'key')}; the record keeps hashes of them`],
    ...(rows.length === 0 ? [['erases', 'no row: these tables have none with such a key'] as const] : rows),
    ['searches', 'parse errors, dead letters, what Firehose could not deliver, and results of queries'],
    ['expires', 'all earlier snapshots of these tables, and the tags of undo: none of them can be taken back'],
    ['', 'to a time before the erasure'],
    ['remains', 'what DynamoDB keeps to restore tables (35 days), and ids in logs for as long as these are kept'],
    ['in flight', 'messages still on their way to RAW come in afterwards: run it again once the queue is empty'],
  ];
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
