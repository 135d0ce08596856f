import {
  checkSchema,
  checkSuccessor,
  curatedTable,
  databaseOf,
  compareSchemas,
  LAYERS,
  planTable,
  readAcceptedSchema,
  schemaKeys,
  standardizedTable,
  tableNameOf,
  takenNames,
  type AcceptedBreak,
  type SchemaChange,
  type SchemaProblem,
  type TopicName,
  type TopicSchema,
  type ValidationOptions,
} from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { CliError } from '../errors';
import { validateExistingRows, type ActiveSchema, type ExistingRowsReport } from './existing-rows';
import { refuseForeignTable } from './table-owner';

/** The text of a schema that passed `checkSchema`. */
export interface MergeCandidate {
  readonly topic: TopicName;
  readonly source: string;
}

/** Everything that a merge of the candidate would do: to the tables, and to the rows in Standardized. */
export interface MergePlan {
  /** The version of the active schema; undefined for a topic's first one. */
  readonly active: number | undefined;
  /** The candidate's version, stated or the one that follows. */
  readonly version: number;
  readonly changes: readonly SchemaChange[];
  /** Reasons why schema-validator would refuse the candidate; the breaking changes are among them. */
  readonly problems: readonly SchemaProblem[];
  /** The statements that the merge would run on Athena; none when it would be refused. */
  readonly statements: readonly string[];
  /** Present where the candidate breaks the active schema and there is a reason for it: Curated is rebuilt under it. */
  readonly rebuild: AcceptedBreak | undefined;
  readonly data: ExistingRowsReport;
}

/**
 * Plans the merge of a candidate: compares it with the active schema and with the tables, and validates the existing rows
 * by SQL on Athena.
 *
 * @param reason why it may break the active schema, where the file does not say so
 * @throws CliError when a service refuses, or the active schema is unreadable
 */
export async function planMerge(
  { topic, source }: MergeCandidate,
  deployment: Deployment,
  cloud: Cloud,
  options: ValidationOptions,
  reason?: string,
): Promise<MergePlan> {
  const { lake, schemaBucket, registryTable } = deployment;
  const { query, getTable } = lakeReader(cloud, deployment);
  await refuseForeignTable(cloud.documents, registryTable, topic);
  const name = tableNameOf(topic);
  const database = databaseOf(lake, LAYERS.standardized);
  const [active, standardized, curatedColumns] = await Promise.all([
    readActive(cloud, schemaBucket, topic),
    getTable(database, name).then((table) => table?.columns),
    getTable(databaseOf(lake, LAYERS.curated), name).then((table) => table?.columns),
  ]);
  const check = checkSuccessor(source, { topic }, active?.schema);
  if (!check.ok) throw new CliError(`the schema of ${topic} is refused: ${check.problems[0]?.message ?? ''}.`);
  const { schema, text, document, sourceOf } = check;
  const curated = curatedTable(lake, name, schema);
  const { changes, problems, rebuild } =
    active === undefined
      ? { changes: [], problems: [], rebuild: undefined }
      : compareSchemas(active.schema, schema, reason);
  const plans = [planTable(standardized, standardizedTable(lake, name)), planTable(curatedColumns, curated)];
  // A rebuild makes the table as the candidate says.
  const conflicts = rebuild === undefined ? (plans[1]?.conflicts ?? []) : [];
  const taken =
    active === undefined || rebuild !== undefined
      ? []
      : takenNames(
          active.schema,
          schema,
          curatedColumns?.map((column) => column.name),
        );
  const refusals = [
    ...problems,
    ...conflicts.map((conflict) => conflictProblem(conflict, schema, curated.database)),
    ...taken,
  ].map((problem) => ({ ...problem, path: sourceOf(problem.path) }));
  return {
    active: active?.schema.version,
    version: schema.version,
    changes: changes.map((change) => ({ ...change, path: sourceOf(change.path) })),
    problems: refusals,
    rebuild,
    statements:
      refusals.length > 0 || rebuild !== undefined ? [] : plans.flatMap(({ steps }) => steps.map(({ sql }) => sql)),
    data: await validateExistingRows(
      { text, document, schema },
      active,
      { database, table: name, columns: standardized },
      query,
      options,
    ),
  };
}

/** The schema in force; undefined for a topic that has none yet. */
async function readActive({ objects }: Cloud, bucket: string, topic: TopicName): Promise<ActiveSchema | undefined> {
  const object = await objects.get(bucket, schemaKeys.active(topic));
  if (object === undefined) return undefined;
  const text = object.body;
  const schema = readAcceptedSchema(text);
  if (schema === undefined) {
    throw new CliError(`the active schema of ${topic} is not a JSON object: restore it from archive/.`);
  }
  const check = checkSchema(text, { topic });
  return { schema, rules: check.ok ? { text: check.text, document: check.document } : undefined };
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
