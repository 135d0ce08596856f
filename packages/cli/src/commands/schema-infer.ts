import {
  columnCounts,
  databaseOf,
  inferSchema,
  inferStatements,
  LAYERS,
  oddColumns,
  oddValueNotes,
  oddValues,
  oddValuesStatement,
  overflowColumns,
  overflowColumnsStatement,
  pathOfComment,
  readAcceptedSchema,
  schemaKeys,
  tableNameOf,
} from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { readDeployment } from '../pipeline/deployment';
import { counted } from '../format/text';
import { deliverDraft } from './deliver-draft';
import { EXIT_CODES, formatOption, outputsOption } from './options';
import { refuseForeignTable } from '../plan/table-owner';
import { queriedTable } from '../plan/queried-table';
import { oldestIngestedAt, parseDays, type Days } from '../plan/ingestion-window';
import { CliError } from '../errors';
import type { ExitCode, Format, Terminal } from '../terminal';
import { parseTopic } from './schema-plan';

export interface InferOptions {
  readonly days: Days;
  readonly out?: string;
  readonly outputs?: string;
  readonly format: Format;
}

export const registerSchemaInfer: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('infer')
    .description('draft the schema of a topic from its rows in Standardized')
    .argument('<topic>', 'the topic')
    .option('--days <n>', 'rows of how many days to look at, or all', parseDays, 'all')
    .option('--out <file>', 'file to write the draft to (default: standard output)')
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', EXIT_CODES)
    .action(async (topic: string, options: InferOptions) => {
      setExitCode(await schemaInfer(topic, options, terminal, connect));
    });
};

/** `schema infer`: drafts a schema that every row of the topic passes, with remarks for its author. */
export async function schemaInfer(
  topicText: string,
  options: InferOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const topic = parseTopic(topicText);
  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const { query, getTable } = lakeReader(cloud, deployment);
  await refuseForeignTable(cloud.documents, deployment.registryTable, topic);
  const database = databaseOf(deployment.lake, LAYERS.standardized);
  const table = tableNameOf(topic);
  const existing = (await getTable(database, table))?.columns;
  if (existing === undefined) {
    throw new CliError(`${topic} has no rows yet: the table ${database}.${table} does not exist. Is it spelled right?`);
  }
  const columns = existing.map(({ name }) => name);
  const paths = new Map(
    existing.flatMap(({ name, comment }) => {
      const sent = pathOfComment(name, comment);
      return sent === undefined ? [] : [[name, sent] as const];
    }),
  );
  const since = oldestIngestedAt(options.days, cloud.clock.now());
  const queried = await queriedTable({ database, table, columns }, since, query);
  const found = queried.rescued ? (await query(overflowColumnsStatement(queried, since))).rows : [];
  const overflow = overflowColumns(found);
  const statements = inferStatements(queried, overflow.columns, since);
  const answers: (readonly (readonly (string | null)[])[])[] = [];
  for (const { sql } of statements) answers.push((await query(sql)).rows);
  const counts = columnCounts(statements, answers);
  const when = since === undefined ? '' : ` that came since ${since.slice(0, 19)}Z`;
  if (counts.rows === 0) throw new CliError(`${database}.${table} has no rows${when}: nothing to infer from.`);
  const odd = oddColumns(counts);
  const oddOnes = odd.length === 0 ? [] : oddValues(odd, (await query(oddValuesStatement(queried, since, odd))).rows);
  const active = await cloud.objects.get(deployment.schemaBucket, schemaKeys.active(topic));
  const before = active === undefined ? undefined : readAcceptedSchema(active.body);
  const version = (before?.version ?? 0) + 1;
  const { document, notes } = inferSchema(topic, version, columns, overflow, counts, paths, before?.eventTime);
  if (Object.keys(document['properties'] as object).length === 0) {
    throw new CliError(`no column of ${database}.${table} has a value that a schema could describe.`);
  }
  const source = `drafted from ${counted(counts.rows, 'row')} of ${database}.${table}${when}, the latest version of each record`;
  const draft = { topic, document, notes: [source, ...oddValueNotes(odd, oddOnes, paths), ...notes] };
  return deliverDraft(draft, options.out, options.format, terminal);
}
