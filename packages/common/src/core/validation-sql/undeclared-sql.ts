/**
 * How many members an object has that the schema does not declare, in the SQL of Athena (Trino's). The twin is
 * count_undeclared in scripts/glue/lean_ops/validation/batch.py; tests/glue/validation/test_validation_sql.py holds the
 * two equal.
 */
import { anyOf } from './boolean-sql';
import type { ValidationObject } from './validation-schema';
import { dmlIdentifier, stringLiteral } from '../warehouse/sql';

/** Where a row's undeclared members are. */
export interface UndeclaredColumns {
  /** The table's columns that the schema does not name. */
  readonly strangers: readonly string[];
  readonly known: ReadonlySet<string>;
  /** The quoted name of the list of columns in rescued_data; undefined where no row has any. */
  readonly others: string | undefined;
}

/**
 * A column that the schema does not name is a member of the innermost object or field whose column its name begins with,
 * or else of the root, and the member's name ends before the next two underscores.
 *
 * @param holders the objects and fields of the schema, with the beginnings of the columns of what lies in them
 * @returns the SQL of the number, and the columns of the table that it reads
 */
export function undeclaredSql(
  { memberPrefix: prefix }: Pick<ValidationObject, 'memberPrefix'>,
  holders: readonly Pick<ValidationObject, 'memberPrefix'>[],
  { strangers, known, others }: UndeclaredColumns,
): { readonly sql: string; readonly members: readonly string[] } {
  const inner = [...new Set(holders.map((one) => one.memberPrefix))].filter(
    (one) => one.startsWith(prefix) && one !== prefix,
  );
  const members = strangers.filter((name) => name.startsWith(prefix) && !inner.some((other) => name.startsWith(other)));
  const columnsOf = new Map<string, string[]>();
  for (const name of members) {
    const [member = ''] = name.slice(prefix.length).split('__');
    columnsOf.set(member, [...(columnsOf.get(member) ?? []), name]);
  }
  const isThere = (columns: readonly string[]) => anyOf(columns.map((name) => `${dmlIdentifier(name)} IS NOT NULL`));
  if (others === undefined) {
    const counted = [...columnsOf.values()].map((columns) => `CASE WHEN ${isThere(columns)} THEN 1 ELSE 0 END`);
    return { sql: counted.length === 0 ? '0' : `(${counted.join(' + ')})`, members };
  }
  const begins = (other: string) => `substr(k, 1, ${other.length}) = ${stringLiteral(other)}`;
  const declared = [...known].filter((name) => name.startsWith(prefix));
  const conditions = [
    "k <> ''",
    ...(prefix === '' ? [] : [begins(prefix)]),
    ...inner.map((other) => `NOT ${begins(other)}`),
    ...(declared.length === 0 ? [] : [`k NOT IN (${declared.map(stringLiteral).join(', ')})`]),
  ];
  const names = `filter(split(${others}, ','), k -> ${conditions.join(' AND ')})`;
  const rescued = `transform(${names}, k -> split_part(substr(k, ${prefix.length + 1}), '__', 1))`;
  const stored = [...columnsOf].map(
    ([member, columns]) => `CASE WHEN ${isThere(columns)} THEN ${stringLiteral(member)} END`,
  );
  const both =
    stored.length === 0 ? rescued : `concat(filter(ARRAY[${stored.join(', ')}], x -> x IS NOT NULL), ${rescued})`;
  return { sql: `cardinality(array_distinct(${both}))`, members };
}
