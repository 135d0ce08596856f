import { columnName, pathText } from '../schema/columns';
import { decimalOf } from '../schema/model';
import type { JsonObject } from '../json/value';
import { describedAs, exportFields, jsonTypesOf, type ExportField, type ExportSource } from './source';

/**
 * The Avro schema (https://avro.apache.org/docs/1.12.0/specification/) of the topic's payload: a record for each flattened
 * object, and for each leaf the type that its Curated column has. JSON text, of arrays and of objects that are not
 * flattened, is a string. Whatever a row of Curated may lack is a union with null, null being its default.
 *
 * A name that Avro does not take is made legal, and `doc` and `x-json-name` say how JSON spells it.
 */
export function toAvro(source: ExportSource): JsonObject {
  const { topic, schema, document } = source;
  const names = new Set<string>();
  const doc = describedAs(document);
  return {
    type: 'record',
    name: unused(legalName(topic), names),
    namespace: 'lean_ops',
    ...(doc === undefined ? {} : { doc }),
    'x-topic': topic,
    'x-version': schema.version,
    fields: fieldsOf(exportFields(source), names),
  };
}

function fieldsOf(fields: readonly ExportField[], records: Set<string>): JsonObject[] {
  const taken = new Set<string>();
  return fields.map((field) => {
    const name = unused(legalName(field.name), taken);
    const described = describedAs(field.node);
    const spelt = name === field.name ? undefined : `JSON spells it ${JSON.stringify(field.name)}.`;
    const doc = [described, spelt].filter((text) => text !== undefined).join(' ');
    const type = field.members === undefined ? leafType(field) : recordType(field, field.members, records);
    return {
      name,
      ...(doc === '' ? {} : { doc }),
      ...(spelt === undefined ? {} : { 'x-json-name': field.name }),
      ...(isCritical(field) ? { type } : { type: ['null', type], default: null }),
    };
  });
}

/** Whether each row of Curated has it: a row without a critical leaf is rejected, and one is always in some object. */
function isCritical({ node, members }: ExportField): boolean {
  return members === undefined ? node['x-cde'] === true : members.some(isCritical);
}

function recordType({ path }: ExportField, members: readonly ExportField[], records: Set<string>): JsonObject {
  const name = unused(legalName(columnName(path)), records);
  return { type: 'record', name, 'x-path': pathText(path), fields: fieldsOf(members, records) };
}

function leafType({ column, node }: ExportField): unknown {
  const athenaType = column?.athenaType ?? 'string';
  const decimal = decimalOf(athenaType);
  if (decimal !== undefined) return { type: 'bytes', logicalType: 'decimal', ...decimal };
  switch (athenaType) {
    case 'bigint':
      return 'long';
    case 'int':
    case 'float':
    case 'double':
    case 'boolean':
      return athenaType;
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros' };
    case 'date':
      return { type: 'int', logicalType: 'date' };
    default: {
      const [type, ...others] = jsonTypesOf(node);
      const uuid = others.length === 0 && type === 'string' && node['format'] === 'uuid';
      return uuid ? { type: 'string', logicalType: 'uuid' } : 'string';
    }
  }
}

function legalName(name: string): string {
  const legal = name.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z_]/.test(legal) ? legal : `_${legal}`;
}

/** The name, or the first of `name_2`, `name_3`, … that is not taken, which is taken then. */
function unused(name: string, taken: Set<string>): string {
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name}_${count}`;
  taken.add(free);
  return free;
}
