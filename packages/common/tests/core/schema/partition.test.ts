import { describe, expect, it } from '@jest/globals';
import { compareSchemas } from '../../../src/core/drift/schema-comparison';
import type { JsonObject } from '../../../src/core/json/value';
import { checkSchema } from '../../../src/core/schema/check';
import { curatedTable } from '../../../src/core/warehouse/tables';
import { modelOf, topicSchema, withField } from '../../../src/testing';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'b' };
const TEXT = { type: 'string' };
const HEADS: readonly JsonObject[] = [
  {},
  { 'x-event-time-stable': true },
  { 'x-event-time': 'measured_at' },
  { 'x-event-time': 'measured_at', 'x-event-time-stable': true },
];

/** The name that Iceberg gives the partition field of a definition. */
function nameOf(schema: JsonObject): string {
  const [field] = curatedTable(LAKE, 't', modelOf(schema)).partitionedBy;
  return `${field?.column}_${field?.transform}`;
}

/** The codes for which a schema is refused by itself, and for which it may not follow another. */
function refusals(schema: JsonObject, active?: JsonObject): string[] {
  const check = checkSchema(JSON.stringify(schema));
  const alone = check.ok ? [] : check.problems;
  const after = active === undefined ? [] : compareSchemas(modelOf(active), modelOf(schema)).problems;
  return [...alone, ...after].map(({ code, message }) => `${code}: ${message}`);
}

describe('the name of the partition', () => {
  it.each(HEADS)('is refused as a column of a first version: %j', (head) => {
    const schema = topicSchema(head);
    const name = nameOf(schema);
    expect(refusals(schema)).toEqual([]);
    expect(refusals(withField(name, TEXT, schema))).toEqual([
      expect.stringMatching(`^PARTITION_NAME: ${name} is the name of Curated's partition by`),
    ]);
    expect(refusals(withField(name.toUpperCase(), TEXT, schema))).toHaveLength(1);
    // Of the other names none is refused.
    for (const other of HEADS.map((one) => nameOf(topicSchema(one))).filter((one) => one !== name)) {
      expect(refusals(withField(other, TEXT, schema))).toEqual([]);
    }
  });

  it('stays the one that the table was made with when the promise is taken back', () => {
    const active = topicSchema({ 'x-event-time-stable': true });
    const candidate = withField('event_time_day', TEXT, topicSchema({ 'x-version': 2 }));
    expect(refusals(candidate)).toEqual([]);
    expect(refusals(candidate, active)).toEqual([
      "PARTITION_NAME: event_time_day is the name of Curated's partition by day of event_time",
    ]);
  });

  it('is no column of an object, which has none', () => {
    const object = { type: 'object', properties: { n: TEXT } };
    expect(refusals(withField('idempotency_key_bucket', object))).toEqual([]);
  });

  it('is not looked for where x-event-time names no field', () => {
    const schema = withField(
      'event_time_day',
      TEXT,
      topicSchema({ 'x-event-time': 'measured', 'x-event-time-stable': true }),
    );
    expect(refusals(schema)).toEqual([expect.stringMatching(/^EVENT_TIME_UNKNOWN/)]);
  });
});
