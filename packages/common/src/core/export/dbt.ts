import { pathText } from '../schema/columns';
import type { SchemaColumn } from '../schema/model';
import { tableNameOf } from '../topic';
import { curatedTable } from '../warehouse/tables';
import { valueAt, isObject, type JsonObject } from '../json/value';
import { allowedValues, PIPELINE_COLUMNS, type ExportSource } from './source';

/** What dbt's own schema calls a data test: its name, or its name with arguments. */
type DataTest = string | Readonly<Record<string, { readonly arguments: JsonObject }>>;

/**
 * A dbt file of sources with the topic's Curated table: its columns and their types, descriptions, and the tests that the
 * pipeline keeps. `not_null` stands for critical fields, `accepted_values` for enum and const, and `unique` for the key.
 *
 * @returns the document that is to be written as YAML
 */
export function toDbtSources({ topic, schema, document, lake }: ExportSource): JsonObject {
  const name = tableNameOf(topic);
  const { database, columns } = curatedTable(lake, name, schema);
  const fields = new Map(schema.columns.map((column) => [column.column, column]));
  const table = {
    name,
    ...optional('description', quoted(schema.description ?? schema.title)),
    config: { meta: { topic, schema_version: schema.version } },
    columns: columns.map(({ name: column, type }) => {
      const field = fields.get(column);
      const tests = field === undefined ? envelopeTests(column) : testsOf(field, document);
      return {
        name: column,
        data_type: type,
        ...optional('description', quoted(field?.description ?? field?.title ?? PIPELINE_COLUMNS[column])),
        ...(tests.length === 0 ? {} : { data_tests: tests }),
        ...(field === undefined ? {} : { config: { meta: { path: pathText(field.path) } } }),
      };
    }),
  };
  return { version: 2, sources: [{ name: database, schema: database, tables: [table] }] };
}

function optional(key: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [key]: value };
}

/** A text that dbt shows as it is: descriptions are templates to it. */
function quoted(text: string | undefined): string | undefined {
  return text !== undefined && isTemplate(text) ? `{% raw %}${text.replaceAll('{%', '{ %')}{% endraw %}` : text;
}

function isTemplate(text: string): boolean {
  return /\{[{%#]/.test(text);
}

function envelopeTests(column: string): DataTest[] {
  return column === 'idempotency_key' ? ['unique', 'not_null'] : [];
}

function testsOf(column: SchemaColumn, document: JsonObject): DataTest[] {
  const values = valuesTest(column, document);
  return [...(column.cde ? ['not_null'] : []), ...(values === undefined ? [] : [values])];
}

/**
 * The test of an enum, as dbt writes values into SQL: between quotes for a text column, with quotes in them doubled, and
 * bare for any other. An enum with a container, which a column cannot be compared with, has none.
 */
function valuesTest({ pointer, athenaType, constraints }: SchemaColumn, document: JsonObject): DataTest | undefined {
  const node = valueAt(document, pointer);
  const allowed = isObject(node) ? allowedValues(node)?.filter((value) => value !== null) : undefined;
  if (allowed === undefined || allowed.some((value) => typeof value === 'object')) return undefined;
  const text = athenaType === 'string';
  // A number's digits are in the constraints: the parsed document has rounded them.
  const digits = constraints.enum?.filter((one) => !/^["[{n]/.test(one));
  const exact = digits?.length === allowed.length ? digits : allowed.map(String);
  const values = exact.map((value) => (text ? value.replaceAll("'", "''") : value));
  if (values.some(isTemplate)) return undefined;
  return { accepted_values: { arguments: text ? { values } : { values, quote: false } } };
}
