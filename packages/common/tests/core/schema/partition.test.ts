import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/core/json/value';
import { checkSchema } from '../../../src/core/composition/check';
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

/** The codes for which a schema is refused. */
function refusals(schema: JsonObject): string[] {
  const check = checkSchema(JSON.stringify(schema));
  return check.ok ? [] : check.problems.map(({ code, message }) => `${code}: ${message}`);
}

/** The heads that the versions of one topic may have: its declared event time never changes. */
const topics = fc.constantFrom(HEADS.slice(0, 2), HEADS.slice(2));

describe('the name of the partition', () => {
  it('is no column of any version, whichever version made the table', () => {
    fc.assert(
      fc.property(
        topics.chain((heads) => fc.tuple(fc.constantFrom(...heads), fc.constantFrom(...heads))),
        ([first, later]) => {
          const name = nameOf(topicSchema(first));
          expect(refusals(topicSchema(later))).toEqual([]);
          for (const column of [name, name.toUpperCase()]) {
            expect(refusals(withField(column, TEXT, topicSchema(later)))).toEqual([
              `PARTITION_NAME: ${name} is the name of Curated's partition, so no column can have it`,
            ]);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is taken by no event time that the schema does not declare', () => {
    for (const head of HEADS.slice(0, 2)) {
      expect(refusals(withField('measured_at_day', TEXT, topicSchema(head)))).toEqual([]);
    }
  });

  it('is no column of an object, which has none', () => {
    const object = { type: 'object', properties: { n: TEXT } };
    expect(refusals(withField('idempotency_key_bucket', object))).toEqual([]);
  });

  it('is refused also where x-event-time names no field', () => {
    const schema = withField('event_time_day', TEXT, topicSchema({ 'x-event-time': 'measured' }));
    expect(refusals(schema).sort()).toEqual([
      expect.stringMatching(/^EVENT_TIME_UNKNOWN/),
      expect.stringMatching(/^PARTITION_NAME/),
    ]);
  });
});
