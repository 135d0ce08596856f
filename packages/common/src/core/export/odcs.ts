import { pathText } from '../schema/columns';
import type { SchemaColumn } from '../schema/model';
import { tableNameOf } from '../topic';
import { curatedTable } from '../warehouse/tables';
import { isObject, valueAt, type JsonObject } from '../json/value';
import { allowedValues, describedAs, jsonTypesOf, PIPELINE_COLUMNS, type ExportSource } from './source';

/** The version of the standard that the contract is written in. */
const API_VERSION = 'v3.1.0';

const OF_TEXTS = ['minLength', 'maxLength', 'pattern', 'format'] as const;
const OF_NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const;
const OF_ARRAYS = ['minItems', 'maxItems', 'uniqueItems'] as const;

/** The keywords of JSON Schema that `logicalTypeOptions` of a type takes under the same names. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  string: OF_TEXTS,
  integer: OF_NUMBERS,
  number: OF_NUMBERS,
  array: OF_ARRAYS,
};

/**
 * The contract of the topic's Curated table, in the Open Data Contract Standard (https://bitol-io.github.io/open-data-contract-standard).
 * A property is `required` where its column is never NULL, so where the field is critical.
 *
 * @returns the document that is to be written as YAML
 */
export function toOdcs({ topic, schema, document, lake }: ExportSource): JsonObject {
  const name = tableNameOf(topic);
  const { database, columns } = curatedTable(lake, name, schema);
  const fields = new Map(schema.columns.map((column) => [column.column, column]));
  const about = schema.description ?? schema.title;
  return {
    apiVersion: API_VERSION,
    kind: 'DataContract',
    id: topic,
    name: schema.title ?? topic,
    version: String(schema.version),
    status: 'active',
    ...(about === undefined ? {} : { description: { purpose: about } }),
    schema: [
      {
        name,
        physicalName: `${database}.${name}`,
        logicalType: 'object',
        physicalType: 'table',
        ...(about === undefined ? {} : { description: about }),
        properties: columns.map(({ name: column, type }) => {
          const field = fields.get(column);
          return field === undefined ? envelopeProperty(column, type) : propertyOf(field, document);
        }),
      },
    ],
  };
}

function envelopeProperty(name: string, physicalType: string): JsonObject {
  const key = name === 'idempotency_key';
  return {
    name,
    logicalType: physicalType === 'int' ? 'integer' : physicalType,
    physicalType,
    ...(key ? { required: true, unique: true, primaryKey: true, primaryKeyPosition: 1 } : {}),
    ...(PIPELINE_COLUMNS[name] === undefined ? {} : { description: PIPELINE_COLUMNS[name] }),
  };
}

function propertyOf({ path, pointer, column, athenaType, cde, title }: SchemaColumn, document: JsonObject): JsonObject {
  const stated = valueAt(document, pointer);
  const node = isObject(stated) ? stated : {};
  const logicalType = logicalTypeOf(athenaType, node);
  const options = Object.fromEntries(
    (OPTIONS[logicalType] ?? []).flatMap((word) => (node[word] === undefined ? [] : [[word, node[word]]])),
  );
  const allowed = allowedValues(node);
  const description = describedAs(node);
  return {
    name: column,
    ...(title === undefined ? {} : { businessName: title }),
    logicalType,
    physicalType: athenaType,
    ...(cde ? { required: true, criticalDataElement: true } : {}),
    ...(description === undefined ? {} : { description }),
    ...(node['deprecated'] === true ? { deprecated: true } : {}),
    ...(Object.keys(options).length === 0 ? {} : { logicalTypeOptions: options }),
    ...(allowed === undefined
      ? {}
      : { quality: [{ type: 'library', metric: 'invalidValues', arguments: { validValues: allowed }, mustBe: 0 }] }),
    customProperties: [{ property: 'path', value: pathText(path) }],
  };
}

/** The logical type of a column, which for JSON text is that of what the text holds, where that is one type. */
function logicalTypeOf(athenaType: string, node: JsonObject): string {
  if (athenaType === 'bigint' || athenaType === 'int') return 'integer';
  if (athenaType === 'boolean' || athenaType === 'date' || athenaType === 'timestamp') return athenaType;
  if (athenaType !== 'string') return 'number';
  const [type, ...others] = jsonTypesOf(node);
  return others.length === 0 && (type === 'array' || type === 'object') ? type : 'string';
}
