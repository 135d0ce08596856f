import { LeanOpsError } from '../errors';
import { ddlIdentifier, ddlLiteral } from './sql';

/** A column as Athena declares it. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** One field of a table's partitioning. The transforms: https://iceberg.apache.org/spec/#partition-transforms */
export type PartitionField =
  | { readonly transform: 'identity' | 'day'; readonly column: string }
  | { readonly transform: 'bucket'; readonly column: string; readonly buckets: number };

/** The definition of an Iceberg table. */
export interface TableDefinition {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly TableColumn[];
  readonly partitionedBy: readonly PartitionField[];
  /** The names that columns may have in the table still, by the names that they get. */
  readonly formerNames?: ReadonlyMap<string, readonly string[]>;
  /** The table's location, `s3://bucket/prefix` without a slash at its end. */
  readonly location: string;
  /**
   * Table properties that Athena takes:
   * https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
   */
  readonly properties: Readonly<Record<string, string>>;
}

export type TableName = Pick<TableDefinition, 'database' | 'table'>;

const SCALAR_TYPE = /^(?:string|boolean|int|bigint|float|double|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$/;

/** Thrown for a column type that schemas/type-table.json does not list. */
export class UnknownTypeError extends LeanOpsError {
  override readonly name = 'UnknownTypeError';

  constructor(readonly type: string) {
    const message = `${JSON.stringify(type)} is no column type of this project: see schemas/type-table.json`;
    super('UNKNOWN_TYPE', message, { data: { type } });
  }
}

function checkedType(type: string): string {
  if (!SCALAR_TYPE.test(type) && type !== 'map<string,string>') throw new UnknownTypeError(type);
  return type;
}

function qualified({ database, table }: TableName): string {
  return `${ddlIdentifier(database)}.${ddlIdentifier(table)}`;
}

function declaration({ name, type }: TableColumn): string {
  return `${ddlIdentifier(name)} ${checkedType(type)}`;
}

function partition(field: PartitionField): string {
  const column = ddlIdentifier(field.column);
  switch (field.transform) {
    case 'identity':
      return column;
    case 'day':
      return `day(${column})`;
    case 'bucket':
      return `bucket(${field.buckets}, ${column})`;
  }
}

/** Writes CREATE TABLE IF NOT EXISTS, which leaves a table of that name as it is, even one with other columns. */
export function createTable(definition: TableDefinition): string {
  const { columns, partitionedBy, location, properties } = definition;
  const lines = [
    `CREATE TABLE IF NOT EXISTS ${qualified(definition)} (`,
    columns.map((column) => `  ${declaration(column)}`).join(',\n'),
    ')',
    ...(partitionedBy.length > 0 ? [`PARTITIONED BY (${partitionedBy.map(partition).join(', ')})`] : []),
    // Athena documents the location with a slash at its end; Iceberg strips it.
    `LOCATION ${ddlLiteral(`${location}/`)}`,
    'TBLPROPERTIES (',
    Object.entries(properties)
      .map(([name, value]) => `  ${ddlLiteral(name)} = ${ddlLiteral(value)}`)
      .join(',\n'),
    ')',
  ];
  return lines.join('\n');
}

/** Writes ALTER TABLE … ADD COLUMNS. The statement fails when a column is there already: see planTable. */
export function addColumns(table: TableName, columns: readonly TableColumn[]): string {
  return `ALTER TABLE ${qualified(table)} ADD COLUMNS (${columns.map(declaration).join(', ')})`;
}

/**
 * Writes ALTER TABLE … CHANGE COLUMN, which promotes the type of one column, gives it another name, or both. The values
 * stay, as Iceberg finds them by the column's id:
 * https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-alter-table-change-column.html
 *
 * @param from the name that the column has in the table
 */
export function changeColumn(table: TableName, column: TableColumn, from = column.name): string {
  return `ALTER TABLE ${qualified(table)} CHANGE COLUMN ${ddlIdentifier(from)} ${declaration(column)}`;
}
