/** The account of a run: how many messages of each topic went where, and whether the sums agree. */
import { QueryCommand, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { COUNT_COLUMNS as OF } from '../../../packages/cli/src/format/count-columns';
import { renderTable, type Cell, type Column, type Display } from '../../../packages/cli/src/format/table';
import { UNKNOWN_TOPIC } from '../../../packages/common/src/core/topic';
import { connect, databases, output } from '../clients';
import { queryObjects } from '../query';
import type { Stack } from '../stack';

export interface TopicAccount {
  readonly topic: string;
  readonly received: number;
  readonly raw: number;
  readonly dlq: number;
  readonly standardized: number;
  readonly duplicates: number;
  readonly superseded: number;
  readonly parseErrors: number;
  /** undefined when the topic has no schema. */
  readonly curated: CuratedAccount | undefined;
  readonly newColumns: number;
}

export interface CuratedAccount {
  readonly validated: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly superseded: number;
  readonly rejected: number;
}

/** A sentence for each law that an account breaks; none when it balances. */
export function imbalances(account: TopicAccount): string[] {
  const broken: string[] = [];
  const law = (name: string, left: number, right: number): void => {
    if (left !== right)
      broken.push(
        `${account.topic}: ${name}: ${left} ≠ ${right} (${left > right ? `${left - right} missing` : `${right - left} too many`})`,
      );
  };
  law('received = RAW + DLQ', account.received, account.raw + account.dlq);
  law(
    'RAW = Standardized + duplicates + superseded + parse errors',
    account.raw,
    account.standardized + account.duplicates + account.superseded + account.parseErrors,
  );
  const curated = account.curated;
  if (curated !== undefined) {
    law(
      'validated = Curated + duplicates + superseded + rejected',
      curated.validated,
      curated.rows + curated.duplicates + curated.superseded + curated.rejected,
    );
  }
  return broken;
}

/** A sentence when messages were received and none of them became a row; undefined otherwise. */
export function nothingArrived(accounts: readonly TopicAccount[]): string | undefined {
  const sum = (of: (account: TopicAccount) => number): number =>
    accounts.reduce((total, account) => total + of(account), 0);
  if (sum(({ standardized }) => standardized) > 0) return undefined;
  const dlq = sum((account) => account.dlq);
  const parseErrors = sum((account) => account.parseErrors);
  return `No message became a row: ${dlq} went to the archive, ${parseErrors} could not be parsed.`;
}

type Counts = Record<string, number>;

/** Counts the rows of the tables themselves. Only numbers that no table has come from the ledger that the jobs write. */
export async function takeAccount(stack: Stack, received: ReadonlyMap<string, number>): Promise<TopicAccount[]> {
  const db = databases(stack);
  const countBy = async (sql: string): Promise<Counts> =>
    Object.fromEntries((await queryObjects(stack, sql)).map((row) => [row['topic_name'] ?? '', Number(row['n'])]));
  const [raw, parseErrors, ledger, registry, dlq] = await Promise.all([
    countBy(`SELECT topic_name, count(*) AS n FROM "${db.raw}"."events" GROUP BY topic_name`),
    countBy(`SELECT topic_name, count(*) AS n FROM "${db.ops}"."parse_errors" GROUP BY topic_name`),
    queryObjects(
      stack,
      `SELECT topic_name, layer, sum(records_in) AS records_in, sum(duplicates) AS duplicates, sum(superseded) AS superseded, ` +
        `sum(rejected) AS rejected, sum(new_columns) AS new_columns FROM "${db.ops}"."ledger" GROUP BY topic_name, layer`,
    ),
    readRegistry(stack),
    dlqCounts(stack, new Set(received.keys())),
  ]);
  const of = (topic: string, layer: string, column: string): number =>
    Number(ledger.find((row) => row['topic_name'] === topic && row['layer'] === layer)?.[column] ?? 0);
  const topics = [...new Set([...received.keys(), ...Object.keys(raw), ...Object.keys(dlq)])].sort();
  const rowsOf = async (database: string, names: readonly string[]): Promise<Counts> => {
    const parts = names.map(
      (topic) =>
        `SELECT '${topic}' AS topic_name, count(*) AS n FROM "${database}"."${registry.get(topic)?.table ?? ''}"`,
    );
    return parts.length === 0 ? {} : countBy(parts.join(' UNION ALL '));
  };
  const known = topics.filter((topic) => registry.has(topic));
  const governed = known.filter(
    (topic) => registry.get(topic)?.enabled === true && of(topic, 'curated', 'records_in') > 0,
  );
  const [standardized, curated] = await Promise.all([rowsOf(db.standardized, known), rowsOf(db.curated, governed)]);
  return topics.map((topic) => ({
    topic,
    received: received.get(topic) ?? 0,
    raw: raw[topic] ?? 0,
    dlq: dlq[topic] ?? 0,
    standardized: standardized[topic] ?? 0,
    duplicates: of(topic, 'standardized', 'duplicates'),
    superseded: of(topic, 'standardized', 'superseded'),
    parseErrors: parseErrors[topic] ?? 0,
    newColumns: of(topic, 'standardized', 'new_columns'),
    curated: governed.includes(topic)
      ? {
          validated: of(topic, 'curated', 'records_in'),
          rows: curated[topic] ?? 0,
          duplicates: of(topic, 'curated', 'duplicates'),
          superseded: of(topic, 'curated', 'superseded'),
          rejected: of(topic, 'curated', 'rejected'),
        }
      : undefined,
  }));
}

async function readRegistry(stack: Stack): Promise<ReadonlyMap<string, { table: string; enabled: boolean }>> {
  const { dynamodb } = connect(stack);
  const found = new Map<string, { table: string; enabled: boolean }>();
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await dynamodb.send(
      new ScanCommand({
        TableName: output(stack, 'schema_registry_table'),
        ...(from === undefined ? {} : { ExclusiveStartKey: from }),
      }),
    );
    for (const item of page.Items ?? []) {
      const topic = item['topic_name']?.S ?? '';
      const table = item['table_name']?.S;
      if (!topic.startsWith('table#') && table !== undefined)
        found.set(topic, { table, enabled: item['processing_enabled']?.BOOL === true });
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return found;
}

async function dlqCounts(stack: Stack, topics: ReadonlySet<string>): Promise<Counts> {
  const { dynamodb } = connect(stack);
  const counts: Counts = {};
  for (const topic of new Set([...topics, UNKNOWN_TOPIC])) {
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: output(stack, 'dlq_archive_table'),
          KeyConditionExpression: 'topic_name = :topic',
          // Entries with an origin count records under Firehose's error prefix. Those are neither in RAW nor in the DLQ, and
          // must show up as missing.
          FilterExpression: 'attribute_not_exists(origin)',
          ExpressionAttributeValues: { ':topic': { S: topic } },
          Select: 'COUNT',
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      );
      if ((page.Count ?? 0) > 0) counts[topic] = (counts[topic] ?? 0) + (page.Count ?? 0);
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
  }
  return counts;
}

interface Count<Of> {
  readonly column: Column;
  readonly of: (account: Of) => number;
}

const TO_STANDARDIZED: readonly Count<TopicAccount>[] = [
  { column: OF.received, of: ({ received }) => received },
  { column: OF.raw, of: ({ raw }) => raw },
  { column: OF.dlq, of: ({ dlq }) => dlq },
  { column: OF.standardized, of: ({ standardized }) => standardized },
  { column: OF.duplicates, of: ({ duplicates }) => duplicates },
  { column: OF.superseded, of: ({ superseded }) => superseded },
  { column: OF.parseErrors, of: ({ parseErrors }) => parseErrors },
  { column: OF.newColumns, of: ({ newColumns }) => newColumns },
];

const TO_CURATED: readonly Count<CuratedAccount>[] = [
  { column: OF.validated, of: ({ validated }) => validated },
  { column: OF.curated, of: ({ rows }) => rows },
  { column: OF.duplicates, of: ({ duplicates }) => duplicates },
  { column: OF.superseded, of: ({ superseded }) => superseded },
  { column: OF.rejected, of: ({ rejected }) => rejected },
];

/** The way of every message, in two tables: to Standardized, and for topics with a schema on to Curated. */
export function renderAccount(accounts: readonly TopicAccount[], display: Display): string {
  const curated = accounts.flatMap(({ topic, curated: of }) => (of === undefined ? [] : [{ topic, of }]));
  const first = countTable(
    accounts.map((of) => ({ topic: of.topic, of })),
    TO_STANDARDIZED,
    display,
  );
  if (curated.length === 0) return first;
  return `${first}\nTopics with a schema:\n\n${countTable(curated, TO_CURATED, display)}`;
}

/** What each topic has in each layer. */
export function renderTopics(accounts: readonly TopicAccount[], display: Display): string {
  const columns = [
    OF.topic,
    OF.raw,
    OF.dlq,
    OF.standardized,
    OF.parseErrors,
    // A topic without a schema has no table of Curated, which is not the same as a table without rows.
    { ...OF.curated, kind: 'number' },
    { ...OF.rejected, kind: 'number' },
  ] as const;
  const rows = accounts.map(({ topic, raw, dlq, standardized, parseErrors, curated }): readonly Cell[] => [
    topic,
    raw,
    dlq,
    standardized,
    parseErrors,
    curated?.rows ?? null,
    curated?.rejected ?? null,
  ]);
  return renderTable({ columns, rows }, display);
}

function countTable<Of>(
  rows: readonly { readonly topic: string; readonly of: Of }[],
  counts: readonly Count<Of>[],
  display: Display,
): string {
  return renderTable(
    {
      columns: [OF.topic, ...counts.map(({ column }) => column)],
      rows: rows.map(({ topic, of }) => [topic, ...counts.map((count) => count.of(of))]),
      total: ['all', ...counts.map((count) => rows.reduce((sum, { of }) => sum + count.of(of), 0))],
    },
    display,
  );
}

/** The text of the verdict: the laws that hold, or every sentence on one that does not. */
export function renderBalance(accounts: readonly TopicAccount[]): string {
  const broken = accounts.flatMap(imbalances);
  if (broken.length > 0) return `The ledger does NOT balance:\n${broken.map((law) => `  ${law}`).join('\n')}`;
  return [
    'The ledger balances, for every topic:',
    '  received = RAW + DLQ',
    '  RAW = Standardized + duplicates + superseded + parse errors',
    '  validated = Curated + duplicates + superseded + rejected',
  ].join('\n');
}
