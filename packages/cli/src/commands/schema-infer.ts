import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  checkSchema,
  columnCounts,
  databaseOf,
  inferSchema,
  inferStatements,
  LAYERS,
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
import { counted, plain } from '../format/text';
import { EXIT_CODES, outputsOption } from './options';
import { refuseForeignTable } from '../plan/table-owner';
import { queriedTable } from '../plan/queried-table';
import { oldestIngestedAt, parseDays, type Days } from '../plan/ingestion-window';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Terminal } from '../terminal';
import { parseTopic } from './schema-plan';

export interface InferOptions {
  readonly days: Days;
  readonly out?: string;
  readonly outputs?: string;
}

export const registerSchemaInfer: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('infer')
    .description('a draft of the schema of a topic, from the rows that are there')
    .argument('<topic>', 'the topic')
    .option('--days <n>', 'look at the rows of that many days, or all', parseDays, 'all')
    .option('--out <file>', 'write the draft there, and not to standard output')
    .addOption(outputsOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (topic: string, options: InferOptions) => {
      setExitCode(await schemaInfer(topic, options, terminal, connect));
    });
};

/** `schema infer`: writes the draft to standard output, and notes for its author to standard error. */
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
    throw new CliError(`${topic} has no rows yet: the table ${database}.${table} is not there. Is it spelled right?`);
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
  const active = await cloud.objects.get(deployment.schemaBucket, schemaKeys.active(topic));
  const version = (active === undefined ? 0 : (readAcceptedSchema(active.body)?.version ?? 0)) + 1;
  const { document, notes } = inferSchema(topic, version, columns, overflow, counts, paths);
  if (Object.keys(document['properties'] as object).length === 0) {
    throw new CliError(`no column of ${database}.${table} has a value that a schema could describe.`);
  }
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const check = checkSchema(text, { topic });
  const more = check.ok ? [] : check.problems.map((one) => `${one.path} is still to be mended: ${one.message}`);
  if (options.out === undefined) terminal.write(text);
  else await save(path.resolve(terminal.cwd, options.out), text, options.out);
  const source = `Inferred from ${counted(counts.rows, 'row')} of ${database}.${table}${when}, the latest version of each record.`;
  terminal.writeError([source, ...notes, ...more].map((note) => `note: ${plain(note)}\n`).join(''));
  return check.ok ? EXIT.clean : EXIT.problems;
}

async function save(file: string, text: string, shown: string): Promise<void> {
  try {
    // An existing file may be somebody's work, so it is never overwritten.
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${shown} cannot be written: ${reason}`, { cause: error });
  }
}
