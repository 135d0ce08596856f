import { LeanOpsError } from '../errors';

/**
 * Quoting for the two grammars of Athena: DDL is Hive's (back-ticks), DML is Trino's (double quotes).
 * https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
 */

/** A name of a database, table or column as the naming rules make it. Any other name is refused and never escaped. */
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

/**
 * Quotes a name for DDL (CREATE TABLE, ALTER TABLE): `name` in back-ticks.
 *
 * @throws UnsafeIdentifierError
 */
export function ddlIdentifier(name: string): string {
  return `\`${checked(name)}\``;
}

/**
 * Quotes a name for DML (SELECT, INSERT, MERGE): "name".
 *
 * @throws UnsafeIdentifierError
 */
export function dmlIdentifier(name: string): string {
  return `"${checked(name)}"`;
}

/**
 * Writes a string literal with quotes doubled, the only escape that Trino has. NUL and lone surrogates become U+FFFD.
 */
export function stringLiteral(text: string): string {
  return `'${text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD').replaceAll("'", "''")}'`;
}

/** Writes a string literal or a typed NULL, so that a column of nothing but NULLs keeps its type. */
export function nullableString(text: string | null): string {
  return text === null ? 'CAST(NULL AS varchar)' : stringLiteral(text);
}

/** Writes a timestamp literal, `TIMESTAMP '2026-11-23 10:00:00.000'`, as UTC wall-clock time. */
export function timestampLiteral(at: Date): string {
  return `TIMESTAMP '${at.toISOString().replace('T', ' ').replace('Z', '')}'`;
}

/**
 * Writes a literal for DDL (LOCATION, TBLPROPERTIES).
 *
 * @throws RangeError for a text that would need an escape there
 */
export function ddlLiteral(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text) || /['\\]/.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} cannot stand in DDL: no quotes, backslashes or non-ASCII characters`);
  }
  return `'${text}'`;
}
