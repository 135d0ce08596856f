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
import { asking } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { UsageError } from '../terminal';
import { refuseForeignTable } from './table-owner';

/** A schema that passed every check of its own. */
export interface PlanCandidate {
  readonly topic: TopicName;
  readonly text: string;
  readonly document: JsonObject;
  readonly schema: TopicSchema;
}

export interface PlanOptions {
  /** Rows ingested from then on; undefined for all. */
  readonly since: string | undefined;
  readonly samples: number;
}

/** What a merge of the candidate would do, and how the rows that are there would fare. */
export interface SchemaPlan {
  /** undefined for a topic's first schema. */
  readonly active: number | undefined;
  readonly changes: readonly SchemaChange[];
  /** Why the validator would refuse it; the breaking changes are among them. */
  readonly problems: readonly SchemaProblem[];
  /** Of Athena; none where it is refused. */
  readonly statements: readonly string[];
  readonly data: PlanData;
}

export type PlanData =
  | { readonly status: 'no table'; readonly table: string }
  | { readonly status: 'no rows' | 'judged'; readonly table: string; readonly verdict: DataVerdict };

/** @throws UsageError when the pipeline cannot be asked, or its answer makes no sense */
export async function makePlan(
  { topic, text, document, schema }: PlanCandidate,
  deployment: Deployment,
  cloud: Cloud,
  options: PlanOptions,
): Promise<SchemaPlan> {
  const { lake, schemaBucket, registryTable } = deployment;
  const { query, getTable } = asking(cloud, deployment);
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
    data: await judgeData(standardizedColumns?.map((column) => column.name)),
  };

  async function judgeData(columns: readonly string[] | undefined): Promise<PlanData> {
    const database = databaseOf(lake, LAYERS.standardized);
    const table = `${database}.${name}`;
    if (columns === undefined) return { status: 'no table', table };
    const statements = judged(() =>
      validationStatements(readValidationSchema(text, document), { database, table: name, columns }, options),
    );
    const answers: (readonly (readonly (string | null)[])[])[] = [];
    for (const { sql } of statements) answers.push((await query(sql)).rows);
    const verdict = dataVerdict(statements, answers);
    return { status: verdict.rows === 0 ? 'no rows' : 'judged', table, verdict };
  }
}

function judged<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ValidationTooLongError) throw new UsageError(`${error.message}.`, { cause: error });
    throw error;
  }
}

async function readActive({ objects }: Cloud, bucket: string, topic: TopicName): Promise<TopicSchema | undefined> {
  const object = await objects.get(bucket, schemaKeys.active(topic));
  if (object === undefined) return undefined;
  const schema = readAcceptedSchema(object.body);
  if (schema !== undefined) return schema;
  throw new UsageError(`the active schema of ${topic} is no JSON object: restore it from archive/.`);
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
