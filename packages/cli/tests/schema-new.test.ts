import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { workspace } from './workspace';

const FILE = 'schemas/tank.level/schema.json';
const NEXT = `${FILE} written. Edit it, then run: lean-ops schema lint ${FILE}\n`;

function read(root: string): unknown {
  return JSON.parse(readFileSync(path.join(root, FILE), 'utf8'));
}

describe('schema new', () => {
  it('writes a schema with the header and one field, which passes lint, and never over a file', async () => {
    const { root, run } = workspace();
    await expect(run('schema', 'new', 'tank.level')).resolves.toEqual({ code: 0, output: NEXT, error: '' });
    expect(read(root)).toMatchObject({
      'x-topic': 'tank.level',
      'x-version': 1,
      properties: { id: { type: 'string' } },
    });
    await expect(run('schema', 'lint')).resolves.toMatchObject({ code: 0, output: '1 schema checked: no problems.\n' });
    await expect(run('schema', 'new', 'tank.level')).resolves.toMatchObject({
      code: 2,
      error: `error: ${FILE} exists already, and is not overwritten.\n`,
    });
  });

  it('drafts one from messages, with types, paths and times, and says which values made a column text', async () => {
    const { root, write, run } = workspace();
    const lines = Array.from({ length: 60 }, (_, n) =>
      n % 2 === 0
        ? `{"topic_name":"tank.level","message_id":"${n}","payload":{"deviceId":"d${n}","measured_at":"2026-11-23T10:00:${String(n).padStart(2, '0')}Z","level":${n}.50,"battery":${n === 4 ? '"n/a"' : n},"meta":{"gps":{"lat":1.25}},"tags":[1],"note":null}}`
        : `{"deviceId":"d${n}","measured_at":"2026-11-23T10:00:00+01:00","level":-1.25,"battery":7,"sentAt":"2026-11-23T10:00:00Z"}`,
    );
    write('sample.ndjson', `${lines.join('\n')}\n{"topic_name":"other","payload":{"x":1}}\nnot JSON\n`);
    const { code, output, error } = await run('schema', 'new', 'tank.level', '--from', 'sample.ndjson');
    expect({ code, output }).toEqual({ code: 0, output: NEXT });
    expect(read(root)).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Tank level',
      'x-topic': 'tank.level',
      'x-version': 1,
      'x-event-time': 'measured_at',
      type: 'object',
      required: ['deviceId', 'measured_at', 'level', 'battery'],
      properties: {
        deviceId: { type: 'string', 'x-cde': true },
        measured_at: { type: 'string', format: 'date-time', 'x-cde': true },
        level: { type: 'number', 'x-type': 'decimal(8,2)' },
        battery: { type: 'string' },
        meta: { type: 'object', properties: { gps: { type: 'object', properties: { lat: expect.anything() } } } },
        tags: { type: 'array' },
        sentAt: { type: 'string', format: 'date-time' },
      },
    });
    expect(error.split('\n')).toEqual(
      expect.arrayContaining([
        'note: drafted from 60 messages of sample.ndjson',
        'note: left out, as they are of other topics: 1 message',
        'note: left out, as they are not JSON: 1 message',
        'note: battery is text: 59 of 60 values are whole numbers; the others: "n/a". With "type": "integer" the others become NULL',
        'note: measured_at is proposed as x-event-time: Curated is partitioned by its day, and a later version cannot change it',
      ]),
    );
    await expect(run('schema', 'lint')).resolves.toMatchObject({ code: 0 });
  });

  it('takes an array and a single object, prints JSON, and says what it cannot use', async () => {
    const { write, run } = workspace();
    write('one.json', '{"a": {"b": 1}, "at": "2026-11-23T10:00:00Z", "sent_at": "2026-11-23T10:00:00Z"}');
    write('many.json', '[{"a": 1}, {"a": 12345678901}, {"a": "x"}]');
    const one = await run('schema', 'new', 'one', '--from', 'one.json', '--format', 'json');
    expect(JSON.parse(one.output)).toMatchObject({
      topic: 'one',
      file: 'schemas/one/schema.json',
      schema: { 'x-event-time': 'at', required: ['a', 'at', 'sent_at'] },
      notes: expect.arrayContaining([
        expect.stringContaining('at is proposed as x-event-time (every row also has sent_at: choose one)'),
      ]),
      problems: [],
    });
    const many = await run('schema', 'new', 'many', '--from', 'many.json', '--dir', 'drafts');
    expect(many.error).toContain('a is text: 2 of 3 values are whole numbers; the others: "x".');
    write('names.json', JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n]))));
    const names = await run('schema', 'new', 'names', '--from', 'names.json');
    expect(names.error).toContain(
      'have these: k500, k501, k502, k503, k504, k505, k506, k507, k508, k509 and 1490 more\n',
    );
    write('same.ndjson', Array.from({ length: 60 }, () => '{"meta": {"Colour": "red", "Level": 1.5}}').join('\n'));
    const same = await run('schema', 'new', 'same', '--from', 'same.ndjson');
    expect(same.error).toContain('note: meta.Level: all values have the same number of decimals');
    expect(same.error).not.toContain('an enum may fit');
    write('pretty.ndjson', '{\n"a": 1\n}\n{\n"a": 2\n}\n');
    write('none.json', '[]');
    write('nulls.json', '{"a": null}');
    for (const [from, reason] of [
      ['none.json', 'none.json has no message of x with a value'],
      ['nulls.json', 'nulls.json has no message of x with a value'],
      ['missing.json', 'missing.json does not exist.'],
      ['drafts', 'drafts is a folder: name a file in it.'],
      ['pretty.ndjson', 'A sample is a JSON object, a JSON array of messages, or a message on each line.'],
    ] as const) {
      await expect(run('schema', 'new', 'x', '--from', from)).resolves.toMatchObject({
        code: 2,
        error: expect.stringContaining(reason),
      });
    }
    await expect(run('schema', 'new', '../x')).resolves.toMatchObject({ code: 2 });
  });
});
