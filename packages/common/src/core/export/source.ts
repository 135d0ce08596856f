import { isObject, pointerTo, type JsonObject } from '../json/value';
import type { SchemaColumn, TopicSchema } from '../schema/model';
import type { TopicName } from '../topic';
import type { Lake } from '../warehouse/tables';

/** A topic schema in normal form, as `checkSchema` gives it, and the lake in which its tables are. */
export interface ExportSource {
  readonly topic: TopicName;
  readonly schema: TopicSchema;
  /** The text of the normal form: numbers have all their digits there. */
  readonly text: string;
  readonly document: JsonObject;
  readonly lake: Lake;
}

export const JSON_TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** A field of the normal form: an object that is flattened, or a leaf with its column. */
export interface ExportField {
  readonly name: string;
  readonly path: readonly string[];
  readonly pointer: string;
  readonly node: JsonObject;
  readonly required: boolean;
  /** The members of a flattened object; undefined for a leaf. */
  readonly members: readonly ExportField[] | undefined;
  readonly column: SchemaColumn | undefined;
}

/** The fields below the root, or below an object, in the order of the file. */
export function exportFields({ schema, document }: Pick<ExportSource, 'schema' | 'document'>): ExportField[] {
  const columns = new Map(schema.columns.map((column) => [column.pointer, column]));
  const below = (holder: JsonObject, path: readonly string[], pointer: string): ExportField[] => {
    const { properties, required } = holder;
    if (!isObject(properties)) return [];
    const listed = new Set<unknown>(Array.isArray(required) ? required : []);
    return Object.entries(properties).flatMap(([name, node]) => {
      if (!isObject(node)) return [];
      const at = pointerTo(pointer, 'properties', name);
      const own = [...path, name];
      return [
        {
          name,
          path: own,
          pointer: at,
          node,
          required: listed.has(name),
          members: isFlattened(node) ? below(node, own, at) : undefined,
          column: columns.get(at),
        },
      ];
    });
  };
  return below(document, [], '');
}

function isFlattened(node: JsonObject): boolean {
  return node['type'] === 'object' && node['x-flatten'] !== false && isObject(node['properties']);
}

/** The types that a schema takes, in the order of the alphabet; all six where it states none. `null` is left out: it is absence. */
export function jsonTypesOf(node: JsonObject): readonly JsonType[] {
  const stated = node['type'];
  if (stated === undefined) return JSON_TYPES;
  const words: readonly unknown[] = Array.isArray(stated) ? stated : [stated];
  return JSON_TYPES.filter((type) => words.includes(type));
}

/** The values that `enum` or `const` of a node allows; undefined where any is allowed. */
export function allowedValues(node: JsonObject): readonly unknown[] | undefined {
  if (node['const'] !== undefined) return [node['const']];
  return Array.isArray(node['enum']) ? (node['enum'] as readonly unknown[]) : undefined;
}

/** The title and description of a node as one text; undefined where it has neither. */
export function describedAs({ title, description }: JsonObject): string | undefined {
  const texts = [title, description].filter((text) => typeof text === 'string' && text !== '');
  return texts.length === 0 ? undefined : texts.join('. ').replaceAll('..', '.');
}

/** What the columns of Curated that are in every topic's table hold. */
export const PIPELINE_COLUMNS: Readonly<Record<string, string>> = {
  message_id: 'Id of the message that the row is of.',
  idempotency_key: "The record's key, from the envelope. Curated has one row for each.",
  event_time: 'When it happened, by the envelope.',
  produced_at: 'When the producer sent it.',
  received_at: 'When the queue took it.',
  ingested_at: 'When it was written to RAW.',
  cycle_id: 'The cycle that wrote the row.',
  schema_version: 'The version of the schema that validated the row.',
};
