import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { inferSchema } from '../../../src/core/infer/draft-schema';
import { profileSample } from '../../../src/core/infer/profile-sample';
import { checkSchema } from '../../../src/core/composition/check';
import type { TopicName } from '../../../src/core/topic';

interface FlattenVector {
  readonly name: string;
  readonly payload: string;
  readonly columns: Readonly<Record<string, string | null>>;
}

const TOPIC = 'a' as TopicName;
const FLATTEN = path.resolve(__dirname, '../../../../../tests/conformance/flatten.json');
const vectors = JSON.parse(readFileSync(FLATTEN, 'utf8')) as readonly FlattenVector[];

/** The columns of one payload with their values, as a sample of one message has them. */
function columnsOf(payload: string): Record<string, string> {
  const { values } = profileSample(`{"topic_name":"a","payload":${payload}}`, TOPIC);
  return Object.fromEntries(values.map(({ column, value }) => [column, value]));
}

/** White space and escapes inside an array are not compared: a draft says of an array only that it is one. */
function comparable(columns: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(columns).flatMap(([column, value]) =>
      value === null ? [] : [[column, /^\[[^]*\]$/.test(value) ? '[]' : value]],
    ),
  );
}

describe('profileSample', () => {
  it.each(vectors)('has the columns that the pipeline flattens a payload into: $name', ({ payload, columns }) => {
    expect(comparable(columnsOf(payload))).toEqual(comparable(columns));
  });

  it('drafts a schema that passes every check, of whatever objects', () => {
    const name = fc.oneof(
      fc.stringMatching(/^[a-zA-Z_.-]{0,6}$/),
      fc.constantFrom('id', 'event_time', '_deleted', '__proto__'),
    );
    const { object } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(1, 1.5, true, null, 'x', '2026-11-23T10:00:00Z', [], [1]),
        tie('object'),
      ),
      object: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), (messages) => {
        const sample = messages.map((message) => JSON.stringify({ topic_name: 'a', payload: message })).join('\n');
        const { columns, counts, paths } = profileSample(sample, TOPIC);
        const { document } = inferSchema('a', 1, columns, { columns: [], leftOut: 0 }, counts, paths);
        fc.pre(Object.keys(document['properties'] as object).length > 0);
        const check = checkSchema(JSON.stringify(document), { topic: 'a' });
        expect(check.ok ? [] : check.problems).toEqual([]);
        expect(counts.rows).toBe(messages.length);
      }),
    );
  });
});
