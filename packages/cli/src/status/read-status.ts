import { readRawSnapshots } from '@lean-ops/common/aws';
import {
  databaseOf,
  dmlIdentifier,
  executionCause,
  freshnessOf,
  heldTopics,
  isTopicName,
  LAYERS,
  LeanOpsError,
  RAW_TABLE,
  timestampLiteral,
  rewindProposals,
  unbalancedTopics,
  type Document,
} from '@lean-ops/common/core';
import { countLetters } from '../dead-letters/read-letters';
import { CliError } from '../errors';
import { lakeReader } from '../pipeline/athena-queries';
import type { OperatedDeployment } from '../pipeline/deployment';
import { explaining } from '../pipeline/explain-aws-errors';
import type { Observer } from '../pipeline/observer';
import { readSchemaStates } from '../schemas/read-schema-states';
import { readWithin } from './reading';
import type { Cycle, IngestQueue, ParseErrorCount, Readings, TopicProgress } from './readings';

/** How long the status waits for one service. */
const LIMIT_MS = 10_000;
/** Athena plans and runs a query, which takes longer than any other part. */
const QUERY_LIMIT_MS = 20_000;
export const CYCLES = 5;
const DAY_MS = 24 * 3_600_000;
/** How long dead letters are counted, so that an archive of millions does not hold up the screen: then it says "more than". */
const LETTERS_MS = 2_000;
/** How far back the age of the queue is looked for: SQS reports it by the minute, a little late. */
const AGE_WINDOW_MS = 15 * 60_000;

/** Reads every part of the status at the same time. It never throws: a part that cannot be read says why in its place. */
export async function readStatus(deployment: OperatedDeployment, observer: Observer): Promise<Readings> {
  const now = observer.clock.now();
  const since = new Date(now - DAY_MS);
  const goOn = (): boolean => observer.clock.now() - now < LETTERS_MS;
  // Two parts look at the registry, which one scan reads.
  const registry = once(() => observer.documents.scan(deployment.registryTable));
  const shared: Observer = { ...observer, documents: { ...observer.documents, scan: registry } };
  const [alarms, cycles, progress, letters, parseErrors, schemas, ingest] = await Promise.all([
    readWithin(LIMIT_MS, observer.alarms.firing(`${deployment.namePrefix}-`)),
    readWithin(LIMIT_MS, readCycles(deployment, observer)),
    readWithin(LIMIT_MS, readProgress(deployment, shared, now)),
    readWithin(LIMIT_MS, countLetters(observer.archive, { since: since.toISOString() }, { goOn })),
    readWithin(QUERY_LIMIT_MS, readParseErrors(deployment, observer, since)),
    readWithin(LIMIT_MS, readSchemaStates(deployment, shared)),
    readWithin(LIMIT_MS, readIngest(deployment, observer, now)),
  ]);
  const { namePrefix, region, freshnessTargets } = deployment;
  const defaultTargetMinutes = freshnessTargets.defaultMinutes;
  const about = { now, namePrefix, region, defaultTargetMinutes };
  return { ...about, alarms, cycles, progress, letters, parseErrors, schemas, ingest };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => (reading ??= read());
}

const SUCCEEDED_OR_RUNS = new Set(['SUCCEEDED', 'RUNNING']);

async function readCycles({ stateMachineArn }: OperatedDeployment, { executions }: Observer): Promise<Cycle[]> {
  const newest = await executions.newest(stateMachineArn, CYCLES);
  return Promise.all(
    newest.map(async ({ arn, status, startedAt, endedAt }) => {
      if (SUCCEEDED_OR_RUNS.has(status)) return { status, startedAt, endedAt, cause: undefined };
      const { error, cause } = await executions.failureOf(arn);
      return { status, startedAt, endedAt, cause: executionCause({ status, error, cause }).text };
    }),
  );
}

async function readProgress(
  { lake, checkpointTable, registryTable, freshnessTargets }: OperatedDeployment,
  observer: Observer,
  now: number,
): Promise<TopicProgress> {
  const [snapshots, checkpoints, registry] = await Promise.all([
    rawSnapshots(lake, observer),
    itemsAboutAllTopics(checkpointTable, observer),
    observer.documents.scan(registryTable),
  ]);
  const freshness = freshnessOf({ now, snapshots, checkpoints, registry, targets: freshnessTargets });
  const topics = registry.filter(({ topic_name: topic }) => typeof topic === 'string' && isTopicName(topic));
  return {
    topics: topics.length,
    freshness,
    unbalanced: unbalancedTopics(checkpoints),
    held: heldTopics(topics),
    proposals: rewindProposals(checkpoints, registry),
  };
}

/** The items of each layer's last run, and the lease. */
async function itemsAboutAllTopics(table: string, { documents }: Pick<Observer, 'documents'>): Promise<Document[]> {
  const items: Document[] = [];
  let next: Document | undefined;
  do {
    const page = await documents.query(table, { topic_name: '*', layer: ' ' }, next);
    items.push(...page.documents);
    next = page.next;
  } while (next !== undefined);
  return items;
}

async function rawSnapshots(lake: OperatedDeployment['lake'], { catalog, objects }: Observer) {
  const table = `${databaseOf(lake, LAYERS.raw)}.${RAW_TABLE}`;
  const explained = {
    objects,
    catalog: {
      getTable: (...of: Parameters<typeof catalog.getTable>) =>
        explaining('glue:GetTable', table, catalog.getTable(...of)),
    },
  };
  try {
    return await readRawSnapshots(lake, RAW_TABLE, explained);
  } catch (error) {
    if (error instanceof LeanOpsError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

async function readParseErrors(
  deployment: OperatedDeployment,
  observer: Observer,
  since: Date,
): Promise<ParseErrorCount[]> {
  const table = `${dmlIdentifier(databaseOf(deployment.lake, LAYERS.ops))}.${dmlIdentifier('parse_errors')}`;
  const { rows } = await lakeReader(observer, deployment).query(
    `SELECT error_code, count(*) AS messages, count(DISTINCT topic_name) AS topics FROM ${table} ` +
      `WHERE detected_at >= ${timestampLiteral(since)} AND resolved_at IS NULL GROUP BY error_code ORDER BY 2 DESC`,
  );
  return rows.map(([code, count, topics]) => ({ code: code ?? '', count: Number(count), topics: Number(topics) }));
}

async function readIngest(
  { ingestQueueUrl }: OperatedDeployment,
  { queues, metrics }: Observer,
  now: number,
): Promise<IngestQueue> {
  const name = ingestQueueUrl.split('/').at(-1) ?? '';
  const age = {
    namespace: 'AWS/SQS',
    name: 'ApproximateAgeOfOldestMessage',
    dimensions: { QueueName: name },
  };
  const [depth, oldestSeconds] = await Promise.all([
    queues.depth(ingestQueueUrl),
    metrics.newestMaximum(age, now - AGE_WINDOW_MS, now),
  ]);
  return { ...depth, oldestSeconds };
}
