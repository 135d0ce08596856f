import type { CatalogTable } from '@lean-ops/common/aws';
import {
  dataVerdict,
  fieldsOf,
  columnName,
  overflowColumns,
  overflowColumnsStatement,
  pathOfComment,
  readValidationSchema,
  validationStatements,
  ValidationTooLongError,
  type DataVerdict,
  type JsonObject,
  type QueriedTable,
  type TopicSchema,
  type ValidationOptions,
  type ValidationSchema,
  type ValidationStatement,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { LakeReader } from '../pipeline/athena-queries';
import { queriedTable } from './queried-table';
import { findSlips, type DataColumn, type Slip } from './slips';

/** The text of a schema, and the same text as JSON.parse reads it. */
export interface SchemaSource {
  readonly text: string;
  readonly document: JsonObject;
}

/** The schema in force. */
export interface ActiveSchema {
  readonly schema: TopicSchema;
  /** What its rules are read from; undefined where it was accepted under older rules, which no statement has. */
  readonly rules: SchemaSource | undefined;
}

/** The verdict on the rows that are in Standardized already. The status is part of `--format json`. */
export type ExistingRowsReport =
  | { readonly status: 'no table'; readonly table: string }
  | { readonly status: 'no rows'; readonly table: string }
  | {
      readonly status: 'validated';
      readonly table: string;
      readonly verdict: DataVerdict;
      /** Why the rows were not validated by the schema in force, too; undefined where they were, or nothing is in force. */
      readonly notCompared: string | undefined;
      readonly slips: readonly Slip[];
    };

/** The Standardized table of a topic. */
export interface ExistingTable {
  readonly database: string;
  readonly table: string;
  /** undefined where there is no table. */
  readonly columns: CatalogTable['columns'] | undefined;
}

/**
 * Validates the rows of Standardized by a candidate and by the schema in force, and looks for slips: in one scan of the
 * columns that the schemas name, and one of rescued_data where the table has that.
 *
 * @throws CliError when Athena refuses, and for a candidate that no statement can validate
 */
export async function validateExistingRows(
  candidate: SchemaSource & { readonly schema: TopicSchema },
  active: ActiveSchema | undefined,
  { database, table: name, columns }: ExistingTable,
  query: LakeReader['query'],
  options: ValidationOptions,
): Promise<ExistingRowsReport> {
  const table = `${database}.${name}`;
  if (columns === undefined) return { status: 'no table', table };
  const names = columns.map((column) => column.name);
  const queried = await queriedTable({ database, table: name, columns: names }, options.since, query);
  const { statements, notCompared } = chooseStatements(candidate, active, queried, options);
  const answers: (readonly (readonly (string | null)[])[])[] = [];
  for (const { sql } of statements) answers.push((await query(sql)).rows);
  const verdict = dataVerdict(statements, answers);
  if (verdict.rows === 0) return { status: 'no rows', table };
  const data = columns.map(({ name: column, comment }) => ({ column, path: pathOfComment(column, comment) }));
  const slips = findSlips({
    candidate: candidate.schema,
    active: active?.schema,
    exempt: exemptColumns(candidate.document, verdict),
    filled: verdict.filled,
    data: [...data, ...(queried.rescued ? await rescuedColumns(queried, options.since, query) : [])],
  });
  return { status: 'validated', table, verdict, notCompared, slips };
}

/** The statements that validate rows by both schemas; by the candidate alone, with the reason, where that is impossible. */
function chooseStatements(
  candidate: SchemaSource,
  active: ActiveSchema | undefined,
  table: QueriedTable,
  options: ValidationOptions,
): { readonly statements: readonly ValidationStatement[]; readonly notCompared: string | undefined } {
  const own = readValidationSchema(candidate.text, candidate.document);
  const alone = (notCompared: string | undefined) => {
    const statements = withinLimits(own, table, options);
    if (statements instanceof ValidationTooLongError) {
      throw new CliError(`${statements.message}.`, { cause: statements });
    }
    return { statements, notCompared };
  };
  if (active === undefined) return alone(undefined);
  if (active.rules === undefined) return alone('it was accepted under rules that no longer hold');
  const inForce = readValidationSchema(active.rules.text, active.rules.document);
  const both = withinLimits(own, table, options, inForce);
  return both instanceof ValidationTooLongError
    ? alone('the rules of both versions are too long for one statement of Athena')
    : { statements: both, notCompared: undefined };
}

/** The statements, or the error of a schema whose rules fit no statement. */
function withinLimits(
  candidate: ValidationSchema,
  table: QueriedTable,
  options: ValidationOptions,
  active?: ValidationSchema,
): readonly ValidationStatement[] | ValidationTooLongError {
  try {
    return validationStatements(candidate, table, options, active);
  } catch (error) {
    if (error instanceof ValidationTooLongError) return error;
    throw error;
  }
}

/**
 * The columns whose absence is no slip: `deprecated` fields, and those whose rows have an object in their place, which is
 * a violation of their type, or of an object that is to be kept as sent.
 */
function exemptColumns(document: JsonObject, { broken }: DataVerdict): ReadonlySet<string> {
  const deprecated = [...fieldsOf(document)].filter(({ field }) => field['deprecated'] === true);
  return new Set([
    ...deprecated.map(({ path }) => columnName(path)),
    ...broken.filter(({ rule }) => rule === 'type' || rule === 'opaque').map(({ column }) => column),
  ]);
}

/** The columns that rows have in rescued_data only. */
async function rescuedColumns(
  table: QueriedTable,
  since: string | undefined,
  query: LakeReader['query'],
): Promise<readonly DataColumn[]> {
  const { rows } = await query(overflowColumnsStatement(table, since));
  return overflowColumns(rows).columns.map((column) => ({ column, path: undefined }));
}
