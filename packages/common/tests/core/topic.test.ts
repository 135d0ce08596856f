import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkTopic, isTopicName, printable, tableNameOf, type TopicName } from '../../src/core/topic';

interface TopicVector {
  readonly topic: string;
  /** null for a text that is no topic name. */
  readonly table: string | null;
}

/** Vectors that the Spark job's tests read too: tests/conformance/README.md. */
const VECTORS = path.resolve(__dirname, '../../../../tests/conformance/topic_names.json');
const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as readonly TopicVector[];

describe('checkTopic', () => {
  it.each(['a', 'telemetry.climate', 'a-b_c.9', `a${'x'.repeat(127)}`])('takes %s', (name) => {
    expect(checkTopic(name)).toEqual({ ok: true, topic: name });
  });

  it.each([
    '',
    '../x',
    'a/b',
    'a;drop table',
    'a`b',
    "a'b",
    'A',
    '1a',
    '.a',
    '-a',
    '_unknown',
    'a\n',
    'a b',
    'a\u0000',
    'tеlemetry', // a Cyrillic e
    'telemetry\u200b', // a zero-width space
    'ｔopic', // a full-width t
    'x'.repeat(129),
    `a${'x'.repeat(199)}`,
    '__proto__',
  ])('refuses %j and says so in printable ASCII', (name) => {
    const checked = checkTopic(name);
    expect(checked.ok).toBe(false);
    if (!checked.ok) expect(checked.message).toMatch(/^[ -~]{1,300}$/);
  });

  it('takes nothing that means something in a path, in SQL or in a table name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (name) => {
        if (isTopicName(name)) expect(tableNameOf(name)).toMatch(/^[a-z][a-z0-9_]{0,127}$/);
        else expect(printable(name)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});

describe('tableNameOf', () => {
  it.each(vectors)('as in Python: $topic has the table $table', ({ topic, table }) => {
    expect(isTopicName(topic) ? tableNameOf(topic) : null).toBe(table);
  });

  it('turns dots and dashes to underscores, so that two topics may share a table', () => {
    expect(tableNameOf('a.b-c' as TopicName)).toBe('a_b_c');
    expect(tableNameOf('a_b.c' as TopicName)).toBe('a_b_c');
  });
});
