import {
  curatedTable,
  databaseOf,
  dataVerdict,
  validationStatements,
  compareSchemas,
  LAYERS,
  ValidationTooLongError,
  planTable,
  readAcceptedSchema,
  readValidationSchema,
  schemaKeys,
  standardizedTable,
  tableNameOf,
  type DataVerdict,
  type JsonObject,
  type SchemaChange,
  type SchemaProblem,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { CliError } from '../errors';
import { queriedTable } from './queried-table';
import { refuseForeignTable } from './table-owner';

/** A schema that passed `checkSchema`, with the text and the document it was read from. */
export interface MergeCandidate {
  readonly topic: TopicName;
  readonly text: string;
  readonly document: JsonObject;
  readonly schema: TopicSchema;
}

export interface MergePlanOptions {
  /** The oldest `ingested_at` of the rows to validate; undefined for every row. */
  readonly since: string | undefined;
  /** Messages to name for each broken rule. */
  readonly samples: number;
}

/** Everything that a merge of the candidate would do: to the tables, and to the rows in Standardized. */
export interface MergePlan {
  /** The version of the active schema; undefined for a topic's first one. */
  readonly active: number | undefined;
  readonly changes: readonly SchemaChange[];
  /** Reasons why schema-validator would refuse the candidate; the breaking changes are among them. */
  readonly problems: readonly SchemaProblem[];
  /** The statements that the merge would run on Athena; none when it would be refused. */
  readonly statements: readonly string[];
  readonly data: ExistingRowsReport;
}

/** The verdict on the rows that are in Standardized already. The status is part of `--format json`. */
export type ExistingRowsReport =
  | { readonly status: 'no table'; readonly table: string }
  | { readonly status: 'no rows' | 'judged'; readonly table: string; readonly verdict: DataVerdict };

/**
 * Plans the merge of a candidate: compares it with the active schema and with the tables, and validates the existing rows
 * by SQL on Athena.
 *
 * @throws CliError when a service refuses, or the active schema is unreadable
 */
export async function planMerge(
  { topic, text, document, schema }: MergeCandidate,
  deployment: Deployment,
  cloud: Cloud,
  options: MergePlanOptions,
): Promise<MergePlan> {
  const { lake, schemaBucket, registryTable } = deployment;
  const { query, getTable } = lakeReader(cloud, deployment);
  await refuseForeignTable(cloud.documents, registryTable, topic);
  const name = tableNameOf(topic);
  const curated = curatedTable(lake, name, schema);
  const [active, standardizedColumns, curatedColumns] = await Promise.all([
    readActive(cloud, schemaBucket, topic),
    getTable(databaseOf(lake, LAYERS.standardized), name).then((table) => table?.columns),
    getTable(databaseOf(lake, LAYERS.curated), name).then((table) => table?.columns),
  ]);
  const { changes, problems } = active === undefined ? { changes: [], problems: [] } : compareSchemas(active, schema);
  const plans = [planTable(standardizedColumns, standardizedTable(lake, name)), planTable(curatedColumns, curated)];
  const conflicts = plans[1]?.conflicts ?? [];
  const refusals = [...problems, ...conflicts.map((conflict) => conflictProblem(conflict, schema, curated.database))];
  return {
    active: active?.version,
    changes,
    problems: refusals,
    statements: refusals.length > 0 ? [] : plans.flatMap(({ steps }) => steps.map(({ sql }) => sql)),
    data: await validateExistingRows(standardizedColumns?.map((column) => column.name)),
  };

  async function validateExistingRows(columns: readonly string[] | undefined): Promise<ExistingRowsReport> {
    const database = databaseOf(lake, LAYERS.standardized);
    const table = `${database}.${name}`;
    if (columns === undefined) return { status: 'no table', table };
    const queried = await queriedTable({ database, table: name, columns }, options.since, query);
    const statements = asCliError(() => validationStatements(readValidationSchema(text, document), queried, options));
    const answers: (readonly (readonly (string | null)[])[])[] = [];
    for (const { sql } of statements) answers.push((await query(sql)).rows);
    const verdict = dataVerdict(statements, answers);
    return { status: verdict.rows === 0 ? 'no rows' : 'judged', table, verdict };
  }
}

/** Runs `work` and turns the ValidationTooLongError of a schema that no statement can validate into a CliError. */
function asCliError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ValidationTooLongError) throw new CliError(`${error.message}.`, { cause: error });
    throw error;
  }
}

async function readActive({ objects }: Cloud, bucket: string, topic: TopicName): Promise<TopicSchema | undefined> {
  const object = await objects.get(bucket, schemaKeys.active(topic));
  if (object === undefined) return undefined;
  const schema = readAcceptedSchema(object.body);
  if (schema !== undefined) return schema;
  throw new CliError(`the active schema of ${topic} is not a JSON object: restore it from archive/.`);
}

function conflictProblem(
  { column, tableType, wantedType }: { column: string; tableType: string; wantedType: string },
  schema: TopicSchema,
  database: string,
): SchemaProblem {
  return {
    code: 'TABLE_CONFLICT',
    path: schema.columns.find((one) => one.column === column)?.pointer ?? '',
    message: `the table in ${database} has ${column} as ${tableType}, which cannot become ${wantedType}`,
    hint: `keep ${tableType}, or add a new field with the new type beside it`,
  };
}
