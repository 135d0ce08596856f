/** What a released topic took of what it had missed: the cycle after the release takes it, and the ledger says what it was. */
import {
  databaseOf,
  dmlIdentifier,
  LAYERS,
  readCycleLease,
  stringLiteral,
  timestampLiteral,
  type Document,
  type TopicName,
} from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { waitingOf } from './waiting';

/** What one layer took, in rows of its ledger. */
export interface TakenRows {
  readonly layer: string;
  readonly cycles: number;
  readonly recordsIn: number;
  readonly written: number;
  readonly superseded: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly parseErrors: number;
}

export type CatchingUp =
  | { readonly end: 'TAKEN'; readonly rows: readonly TakenRows[] }
  /** No cycle has taken it in the time to wait. */
  | { readonly end: 'TIMEOUT' };

const POLL_MS = 5_000;

/**
 * Waits until no layer notes anything any more that the topic has not taken, and reads what it took.
 *
 * The cycle that runs at that moment has to end as well: one that began before the release leaves its note when it ends, and one
 * that began after it may have done only the first of the two layers.
 *
 * @param since when the topic was released
 */
export async function awaitCatchingUp(
  topic: TopicName,
  since: Date,
  timeoutMs: number,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<CatchingUp> {
  const { clock } = operator;
  const deadline = clock.now() + timeoutMs;
  let last: string | undefined;
  for (;;) {
    // The lease is read first: a cycle that ends in between has left its notes by then.
    const cycle = await runningCycle(deployment, operator);
    if (await isWaiting(topic, deployment, operator)) last = undefined;
    else if (cycle === undefined || (last !== undefined && cycle !== last)) break;
    else last = cycle;
    if (clock.now() >= deadline) return { end: 'TIMEOUT' };
    await clock.sleep(POLL_MS);
  }
  return { end: 'TAKEN', rows: await readTakenRows(topic, since, deployment, operator) };
}

async function runningCycle(
  { checkpointTable }: OperationsDeployment,
  { documents, clock }: Pick<Operator, 'documents' | 'clock'>,
): Promise<string | undefined> {
  const lease = readCycleLease(await documents.get(checkpointTable, { topic_name: '*', layer: 'lease' }));
  return lease !== undefined && lease.expiresAt * 1_000 > clock.now() ? lease.cycleId : undefined;
}

async function isWaiting(
  topic: TopicName,
  { checkpointTable }: OperationsDeployment,
  { documents }: Pick<Operator, 'documents'>,
): Promise<boolean> {
  const run = (layer: string): Promise<Document | undefined> =>
    documents.get(checkpointTable, { topic_name: '*', layer });
  const [raw, curated] = await Promise.all([run('raw'), run('curated')]);
  return waitingOf(topic, undefined, { raw, curated }).cycles.length > 0;
}

const COUNTS = ['records_in', 'written', 'superseded', 'duplicates', 'rejected', 'parse_errors'] as const;

async function readTakenRows(
  topic: TopicName,
  since: Date,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<TakenRows[]> {
  const table = `${dmlIdentifier(databaseOf(deployment.lake, LAYERS.ops))}.${dmlIdentifier('ledger')}`;
  const sums = COUNTS.map((name) => `sum(${name})`).join(', ');
  const { rows } = await lakeReader(operator, deployment).query(
    `SELECT layer, count(DISTINCT cycle_id), ${sums} FROM ${table} WHERE topic_name = ${stringLiteral(topic)} ` +
      `AND finished_at >= ${timestampLiteral(since)} GROUP BY layer ORDER BY layer DESC`,
  );
  return rows.map(([layer, ...numbers]) => {
    const [cycles = 0, recordsIn = 0, written = 0, superseded = 0, duplicates = 0, rejected = 0, parseErrors = 0] =
      numbers.map(Number);
    return { layer: layer ?? '', cycles, recordsIn, written, superseded, duplicates, rejected, parseErrors };
  });
}
