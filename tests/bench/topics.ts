/** Topics for the benchmarks of the cycle. Each has a schema of about 12 columns, and no two are alike. */
import { isObject, type JsonObject } from '../../packages/common/src/core';

/** The kind of a field's values. events.py makes values of each kind. */
export type FieldKind =
  'device' | 'measured' | 'text' | 'integer' | 'number' | 'decimal' | 'boolean' | 'time' | 'enum' | 'serial';

export interface Field {
  /** The names from the payload's root to the field; more than one for a member of a nested object. */
  readonly path: readonly string[];
  readonly kind: FieldKind;
}

export interface BenchTopic {
  readonly topic: string;
  readonly fields: readonly Field[];
  readonly schema: JsonObject;
}

export type TimeKey = 'x-event-time' | 'x-event-time-stable' | 'none';

const KINDS: Readonly<Record<FieldKind, JsonObject>> = {
  device: { type: 'string', minLength: 1, 'x-cde': true },
  measured: { type: 'string', format: 'date-time', 'x-cde': true },
  text: { type: 'string', maxLength: 64 },
  integer: { type: 'integer', minimum: 0 },
  number: { type: 'number' },
  decimal: { type: 'number', 'x-type': 'decimal(10,2)' },
  boolean: { type: 'boolean' },
  time: { type: 'string', format: 'date-time' },
  enum: { type: 'string', enum: ['OK', 'WARN', 'FAIL'] },
  serial: { type: 'string', pattern: '^SN-[0-9]{6}$' },
};

const NOUNS = 'pump valve meter sensor press robot tank motor boiler fan drill scale turbine relay lift'.split(' ');

/** Fields that some topics have and others lack. */
const EXTRA: readonly FieldKind[] = ['integer', 'number', 'text'];

/** The `n`th topic. Its fields' names end in its number, so that nothing computed for one topic can serve another. */
export function benchTopic(n: number, timeKey: TimeKey, stem = `bench.${NOUNS[n % NOUNS.length] ?? ''}`): BenchTopic {
  const suffix = n.toString(36);
  const noun = (at: number): string => `${NOUNS[(n * 7 + at) % NOUNS.length] ?? ''}_${suffix}`;
  const plain: FieldKind[] = ['text', 'integer', 'number', 'decimal', 'boolean', 'time', 'enum', 'serial'];
  const more = Array.from({ length: n % 3 }, (_, at) => EXTRA[(n + at) % EXTRA.length] ?? 'text');
  const location = `place_${suffix}`;
  const fields: Field[] = [
    { path: ['device_id'], kind: 'device' },
    { path: ['measured_at'], kind: 'measured' },
    ...[...plain, ...more].map((kind, at) => ({ path: [noun(at)], kind })),
    { path: [location, 'level'], kind: 'number' },
    { path: [location, 'unit'], kind: 'text' },
  ];
  const topic = `${stem}-${String(n).padStart(4, '0')}`;
  return { topic, fields, schema: schemaOf(topic, fields, timeKey) };
}

function schemaOf(topic: string, fields: readonly Field[], timeKey: TimeKey): JsonObject {
  const properties: Record<string, JsonObject> = {};
  for (const { path, kind } of fields) {
    const [first = '', second] = path;
    if (second === undefined) properties[first] = KINDS[kind];
    else {
      const known = properties[first]?.['properties'];
      const members = isObject(known) ? known : {};
      properties[first] = { type: 'object', properties: { ...members, [second]: KINDS[kind] } };
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: topic,
    'x-topic': topic,
    'x-version': 1,
    ...(timeKey === 'x-event-time' && { 'x-event-time': 'measured_at' }),
    ...(timeKey === 'x-event-time-stable' && { 'x-event-time-stable': true }),
    type: 'object',
    required: ['device_id', 'measured_at'],
    properties,
  };
}
