import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { scanBroken } from '../../../src/core/json/scan-broken';

/** The values of the reading with the longest broken value, and whether its end was found; undefined when the text was not taken. */
function valuesOf(text: string): Record<string, unknown> | undefined {
  const scan = scanBroken(text, 'p');
  if (scan === undefined) return undefined;
  const members = scan.whole[0] ?? scan.rest;
  return {
    ...Object.fromEntries(members.map(({ key, start, end }) => [key, text.slice(start, end)])),
    closed: scan.whole.length > 0,
  };
}

describe('scanBroken', () => {
  it.each([
    'NaN',
    '-Infinity',
    'None',
    'undefined',
    '',
    '01',
    '2026-11-23T10:00:00Z',
    '{"a":NaN}',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    '[1,2,]',
    "{'a':1}",
    "{'a':'x','b':'y'}",
    "{a:1, b:'x'}",
    '{"a":don\'t}',
    '{"a":"}]","b":NaN}',
    '{"a":"line\nbreak"}',
    '{"a":"\\x"}',
    '{"a":1 /* one */, // two\n "b":2}',
    '{"a":http://x/y}',
    '{"a":Decimal(\'1.0\'), "t":datetime.datetime(2026, 11, 23)}',
    '{\\"a\\":1}',
    '"{"a":"x"}"',
    '"he said "hi""',
    '{"a":1} x',
    // Only one reading goes on as an object does.
    "{'a':'}'}",
    '{"a":\'{\'}',
    '{"a":\'it"s\'}',
    '{"a":\'tis}',
    '{"a":\'tis /* } */}',
    '{"a":NaN /* " */}',
    '{"a":1 /* } */}',
    '{"a":1 // }\n}',
    '{"a":"C:\\dir\\"}',
    '{"a":\'C:\\}\\\'}',
  ])('finds the end of %j, and what stands around it', (value) => {
    expect(valuesOf(`{"x":1 , "p": ${value} ,"y":[2]}`)).toEqual({ x: '1', p: value, y: '[2]', closed: true });
    expect(valuesOf(`{"p":${value}}`)).toEqual({ p: value, closed: true });
  });

  it.each([
    // Cut off.
    '{"p":{"a":1,',
    '{"p":{"a":"x',
    '{"p":"x',
    '{"p":tru',
    // Brackets or quotes that do not pair.
    '{"p":{"a":[1},"y":2}',
    '{"p":{"a":NaN,"y":2}',
    '{"p":{"a":"x},"y":2}',
    '{"p":NaN]}',
    // Behind the value goes on what is no member.
    '{"p":NaN,y:2}',
    '{"p":NaN,"y":NaN}',
    '{"p":NaN}}',
    '{"p":NaN} x',
    // In no reading does an object go on behind the value.
    '{"p":{"a":\'tis},"y":"it\'s",z',
    // Cut off right behind the value, or behind it.
    '{"p":{"a":1}',
    '{"p":{"a":1} ',
    '{"p":12',
    '{"p":{"a":"C:\\temp\\"}}',
    '{"p":{"\\"":"","[":0,"":{"]":0,"}}":0',
    '{"p":{"a":1},',
    '{"p":{"a":1},"y',
    '{"p":{"a":1},"y":"\\u00',
    '{"p":{"a":1},"y":[tru',
    '{"p":{"a":1},"y":-',
  ])('takes all that follows for the value where its end is not known: %j', (text) => {
    expect(valuesOf(`{"x":1,${text.slice(1)}`)).toEqual({ x: '1', p: text.slice(5), closed: false });
  });

  it.each([
    '',
    'no json',
    '[NaN]',
    '{"p":1}',
    '{"x":NaN,"p":NaN}',
    '{"p":{"a":1},"x":NaN}',
    '{"p":{"a":1}}}',
    '{"p":{"a":1},"x":NaN',
    '{"p":{"a":1},"x":trux',
    '{"x":{"p":{"a":1}',
    '{"x":{"p":NaN}}',
    '{p:NaN}',
    '{"p" NaN}',
    ' \ufeff{"p":NaN}',
  ])('leaves a text alone whose fault is not in the value: %j', (text) => {
    expect(valuesOf(text)).toBeUndefined();
  });

  it('takes no byte order mark for a part of the value', () => {
    expect(valuesOf('{"p": \ufeff\ufeff{"a":1} }')).toEqual({ p: '{"a":1}', closed: true });
    expect(valuesOf('{"x":\ufeff1}')).toBeUndefined();
  });

  it('counts the last one of several, as JSON.parse does', () => {
    expect(valuesOf('{"p":NaN,"p":1}')).toEqual({ p: '1', closed: true });
    expect(valuesOf('{"p":1,"p":{"a":[}}')).toEqual({ p: '{"a":[}}', closed: false });
    expect(valuesOf('{"p":1,"p":2')).toEqual({ p: '2', closed: false });
    expect(scanBroken('{"p":NaN,"x":1,"p":{]}', 'p')).toMatchObject({ whole: [], rest: [{ start: 5, end: 22 }] });
  });

  it('gives each reading that is whole, the one with the longest value first', () => {
    const text = '{"p":1 //,"x":1,\n"y":2}';
    const found = scanBroken(text, 'p')?.whole.map((members) =>
      members.map(({ start, end }) => text.slice(start, end)),
    );
    expect(found).toEqual([['1 //,"x":1,\n"y":2'], ['1 //', '1', '2']]);
  });

  const fragment = fc.constantFrom(
    ...Array.from('{}[]",:\\\'/*\n NaN1'),
    '"p":',
    '"x":1',
    '\ufeff',
    '//',
    '/*',
    '*/',
    ',"y":2',
  );
  const soup = fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(''));

  it('is right whenever it says that it knows the end: with another value there the text is JSON with the same members', () => {
    let closed = 0;
    fc.assert(
      fc.property(soup, soup, (value, behind) => {
        const text = `{"x":0,"p":${value}${behind}}`;
        const scan = scanBroken(text, 'p');
        if (scan === undefined) return;
        expect(scan.rest.at(-1)).toMatchObject({ key: 'p', end: text.length });
        for (const members of scan.whole) {
          for (const { start, end } of members) expect(end).toBeGreaterThanOrEqual(start);
          closed++;
          let mended = text;
          for (const { key, start, end } of [...members].reverse()) {
            if (key === 'p') mended = `${mended.slice(0, start).replace(/\ufeff+$/, '')}null${mended.slice(end)}`;
          }
          const own = Object.entries(JSON.parse(mended) as object);
          expect(new Set(members.map(({ key }) => key))).toEqual(new Set(own.map(([key]) => key)));
        }
      }),
      { numRuns: budget({ eachRun: 5_000, thorough: 30_000 }), endOnFailure: true },
    );
    expect(closed).toBeGreaterThan(100);
  });

  it.each([
    '{',
    '[',
    '"',
    "'",
    '/*',
    '//',
    '\\',
    ' ',
    '{"a":',
    ',"p":x',
    '"p":"',
    ",'",
    '/* ',
    '\ufeff',
    '"p":[',
    ',"p":{}x',
    "' /* \\",
    '\'\\"}//',
    ',"p":\'/\\',
  ])('takes no longer than a text of 1 MB has to: %j over and over', (part) => {
    const text = `{"x":1,"p":x${part.repeat(Math.floor(1_000_000 / part.length))}`;
    const started = process.cpuUsage();
    scanBroken(text, 'p');
    scanBroken(`${text}}`, 'p');
    const { user } = process.cpuUsage(started);
    // A pass over 1 MB takes some milliseconds, and a pass at each character minutes.
    expect(user / 1_000).toBeLessThan(2_000);
  });
});
