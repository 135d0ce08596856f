/** What the next cycle takes again after a topic's tables were moved back, and whether cycle_delta has it still. */
import { databaseOf, dmlIdentifier, LAYERS, stringLiteral, type TopicName } from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';

/** The cycles of a topic behind a point. */
export interface Retaken {
  readonly cycles: number;
  readonly messages: number;
  /** The last cycle of which cycle_delta has lost messages that Standardized would have to take again. */
  readonly goneThrough: string | undefined;
}

/**
 * Counts what comes after a cycle, by two queries: the messages that cycle_delta has, and those that the ledger says
 * Standardized has taken.
 *
 * @param after the last cycle that the table has then; undefined for none
 */
export async function readRetaken(
  topic: TopicName,
  after: string | undefined,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<Retaken> {
  const reader = lakeReader(operator, deployment);
  const ops = dmlIdentifier(databaseOf(deployment.lake, LAYERS.ops));
  const ofTopic = `WHERE topic_name = ${stringLiteral(topic)} AND cycle_id > ${stringLiteral(after ?? '')}`;
  const [delta, ledger] = await Promise.all([
    reader.query(
      `SELECT cycle_id, count(*) FROM ${ops}.${dmlIdentifier('cycle_delta')} ${ofTopic} GROUP BY cycle_id ORDER BY cycle_id`,
    ),
    // The twin is taken_cycles in scripts/glue/lean_ops/bookkeeping/taken_cycles.py, which decides it when the cycle comes.
    reader.query(
      `SELECT cycle_id, greatest(records_in, 1) FROM ${ops}.${dmlIdentifier('ledger')} ${ofTopic} ` +
        `AND layer = 'standardized' AND status NOT IN ('REBUILT', 'REPLAYED') ` +
        `AND (written + superseded > 0 OR (status NOT IN ('SUCCEEDED', 'UNBALANCED') ` +
        `AND coalesce(error, '') NOT LIKE 'TABLE_ROLLED_BACK:%')) ORDER BY cycle_id`,
    ),
  ]);
  const present = new Map(delta.rows.map(([cycle, count]) => [cycle ?? '', Number(count)]));
  const gone = ledger.rows.filter(([cycle, needed]) => (present.get(cycle ?? '') ?? 0) < Number(needed));
  return {
    cycles: present.size,
    messages: [...present.values()].reduce((sum, count) => sum + count, 0),
    goneThrough: gone.at(-1)?.[0] ?? undefined,
  };
}
