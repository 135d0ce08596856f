/** How long a rebuild will take, by what is on record of those before it and of the topic's cycles. */
import { databaseOf, dmlIdentifier, LAYERS, stringLiteral, type TopicName } from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';

/** What the ledger says of a topic in one layer. */
export interface LayerPast {
  readonly records: number;
  /** Records a second of its fastest cycle; undefined where none was large enough to tell. */
  readonly fastest: number | undefined;
}

/** A rebuild that is done: the events that its plan counted, and how long it took from its request to its end. */
export interface PastRebuild {
  readonly events: number;
  readonly seconds: number;
}

export interface RebuildTime {
  readonly minutes: number;
  /** What the estimate goes by, in words. */
  readonly basis: string;
}

export interface RebuildPast {
  readonly layers: ReadonlyMap<string, LayerPast>;
  readonly rebuilds: readonly PastRebuild[];
}

/** Seconds that the job and the state machine need beside the work. */
const START_SECONDS = 60;
/** The part of a cycle's speed that a rebuild has, as `pnpm bench rebuild` measures it. */
const SPEED_OF_CYCLES = 0.6;
/** A cycle of fewer records says more about how long a run takes to start than about its speed. */
const TELLING_RECORDS = 1_000;
/** Records a second where no cycle tells. */
const GUESSED_SPEED = 5_000;
/** So many rebuilds of the most similar size have a say. */
const COMPARED = 3;

/**
 * Seconds by the rebuilds of the most similar size: what each would have taken with so many events, and of these the median, as one that
 * died and was resumed is no measure. Without any, by the speed of the topic's cycles.
 *
 * @returns undefined where nothing is known of the topic
 */
export function estimateRebuild(layers: readonly string[], past: RebuildPast, events: number): RebuildTime | undefined {
  const nearest = past.rebuilds
    .map((one) => ({ ...one, apart: Math.abs(Math.log((one.events + 1) / (events + 1))) }))
    .sort((one, other) => one.apart - other.apart)
    .slice(0, COMPARED);
  if (nearest.length > 0) {
    const scaled = nearest.map((one) => {
      const start = Math.min(START_SECONDS, one.seconds / 2);
      return start + ((one.seconds - start) * (events + 1)) / (one.events + 1);
    });
    const which = nearest.length === 1 ? 'the one rebuild' : `the ${nearest.length} rebuilds of the most similar size`;
    return { minutes: minutesOf(median(scaled)), basis: `by ${which} on record` };
  }
  const known = layers.map((layer) => past.layers.get(layer)).filter((one) => one !== undefined);
  if (known.length === 0) return undefined;
  const speed = (one: LayerPast): number => (one.fastest ?? GUESSED_SPEED) * SPEED_OF_CYCLES;
  const seconds = known.reduce((sum, one) => sum + one.records / speed(one), START_SECONDS);
  return { minutes: minutesOf(seconds), basis: 'a guess by its fastest cycle, as no rebuild is on record' };
}

/** @throws CliError when the tables cannot be queried */
export async function readRebuildPast(
  topic: TopicName,
  from: string,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<RebuildPast> {
  const ops = dmlIdentifier(databaseOf(deployment.lake, LAYERS.ops));
  const lake = lakeReader(operator, deployment);
  const took = "greatest(date_diff('second', started_at, finished_at), 1)";
  const [ledger, operations] = await Promise.all([
    lake.query(
      `SELECT layer, sum(records_in), max(CASE WHEN records_in >= ${TELLING_RECORDS} THEN CAST(records_in AS double) / ${took} END) ` +
        `FROM ${ops}.${dmlIdentifier('ledger')} WHERE topic_name = ${stringLiteral(topic)} AND records_in > 0 GROUP BY layer`,
    ),
    lake.query(
      `SELECT plan, date_diff('second', requested_at, ended_at) FROM ${ops}.${dmlIdentifier('operations')} ` +
        `WHERE kind = 'rebuild' AND state = 'DONE' ORDER BY ended_at DESC LIMIT 50`,
    ),
  ]);
  return {
    layers: new Map(
      ledger.rows.map(([layer, records, fastest]) => [
        layer ?? '',
        {
          records: Number(records ?? 0),
          fastest: fastest === null || fastest === undefined ? undefined : Number(fastest),
        },
      ]),
    ),
    rebuilds: operations.rows.flatMap(([plan, seconds]) => {
      const { from: source, events } = JSON.parse(plan ?? '{}') as { from?: unknown; events?: unknown };
      return source === from && typeof events === 'number' && seconds != null
        ? [{ events, seconds: Number(seconds) }]
        : [];
    }),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function minutesOf(seconds: number): number {
  return Math.max(1, Math.round(seconds / 60));
}
