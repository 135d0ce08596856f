import type { JsonObject } from '../core/json/value';
import { readTopicSchema, type TopicSchema } from '../core/schema/model';

/** A topic schema that passes every check; a test names only the members that it varies. */
export function topicSchema(changes: JsonObject = {}): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Climate telemetry',
    type: 'object',
    'x-topic': 'telemetry.climate',
    'x-version': 1,
    required: ['device_id', 'measured_at'],
    properties: {
      device_id: { type: 'string', minLength: 1, 'x-cde': true },
      measured_at: { type: 'string', format: 'date-time', 'x-cde': true },
      temperature: { type: 'number', minimum: -90, maximum: 60, 'x-type': 'decimal(10,2)' },
      phase: { type: 'integer', 'x-type': 'int' },
      meta: {
        type: 'object',
        properties: { gps: { type: 'object', properties: { lat: { type: 'number' }, lon: { type: 'number' } } } },
      },
    },
    ...changes,
  };
}

/** A topic schema with one field added or replaced. */
export function withField(name: string, field: unknown, schema: JsonObject = topicSchema()): JsonObject {
  return { ...schema, properties: { ...(schema['properties'] as JsonObject), [name]: field } };
}

/** The model of a topic schema that is given as an object. */
export function modelOf(document: JsonObject): TopicSchema {
  return readTopicSchema(JSON.stringify(document), document);
}
