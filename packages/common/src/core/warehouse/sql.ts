import { LeanOpsError } from '../errors';

/**
 * Quoting for the two grammars of Athena: DDL is Hive's (back-ticks), DML is Trino's (double quotes).
 * https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
 */

/** A name as our own rules make them: topic tables, columns, databases. Anything else is a fault, not something to escape. */
const IDENTIFIER = /^[a-z0-9_]{1,255}$/;

/** Thrown when a name that never passed the naming rules is about to reach SQL. */
export class UnsafeIdentifierError extends LeanOpsError {
  override readonly name = 'UnsafeIdentifierError';

  constructor(readonly identifier: string) {
    super(
      'UNSAFE_IDENTIFIER',
      `${JSON.stringify(identifier)} cannot be a database, table or column name: use 1-255 of a-z, 0-9 and _ ` +
        '(make it with tableName or columnName)',
      { data: { identifier } },
    );
  }
}

function checked(identifier: string): string {
  if (!IDENTIFIER.test(identifier)) throw new UnsafeIdentifierError(identifier);
  return identifier;
}

/** `name` for CREATE TABLE, ALTER TABLE and the like. */
export function ddlIdentifier(name: string): string {
  return `\`${checked(name)}\``;
}

/** "name" for SELECT, INSERT, MERGE and the like. */
export function dmlIdentifier(name: string): string {
  return `"${checked(name)}"`;
}

/** 'text' with quotes doubled: the only escape in Trino's string literals. NUL and lone surrogates become U+FFFD. */
export function stringLiteral(text: string): string {
  return `'${text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD').replaceAll("'", "''")}'`;
}

/** A string or a typed NULL, so that a column of nothing but NULLs keeps its type. */
export function nullableString(text: string | null): string {
  return text === null ? 'CAST(NULL AS varchar)' : stringLiteral(text);
}

/** TIMESTAMP '2026-11-23 10:00:00.000', UTC wall-clock time. */
export function timestampLiteral(at: Date): string {
  return `TIMESTAMP '${at.toISOString().replace('T', ' ').replace('Z', '')}'`;
}

/** A literal for DDL (LOCATION, TBLPROPERTIES): what would need escaping there is refused instead. */
export function ddlLiteral(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text) || /['\\]/.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} cannot stand in DDL: no quotes, backslashes or non-ASCII characters`);
  }
  return `'${text}'`;
}
