import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { collisions, columnName, RESERVED_COLUMNS } from '../../../src/core/schema/columns';
import { ddlIdentifier } from '../../../src/core/warehouse/sql';

describe('columnName', () => {
  it.each([
    [['temperature'], 'temperature'],
    [['meta', 'gps', 'lat'], 'meta__gps__lat'],
    [['Device-ID'], 'device_id'],
    [['größe'], 'gr__e'],
    [['2fa'], '_2fa'],
    [['meta', '2fa'], 'meta__2fa'],
    [['event_time'], 'payload__event_time'],
    [['Message-Id'], 'payload__message_id'],
    [['rescued_data'], 'payload__rescued_data'],
    [['schema_version'], 'payload__schema_version'],
    [['meta', 'event_time'], 'meta__event_time'],
    [['😀'], '_'],
    [['\u212a'], 'k'],
    [['İ'], 'i_'],
    [[''], '_'],
    [['__proto__'], '__proto__'],
  ])('turns %j into %s', (path, column) => {
    expect(columnName(path)).toBe(column);
  });

  const path = fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 1, maxLength: 5 });

  it('always gives a name that SQL takes, and never one that belongs to the pipeline', () => {
    fc.assert(
      fc.property(path, (segments) => {
        const column = columnName(segments);
        expect(ddlIdentifier(column)).toBe(`\`${column}\``);
        expect(RESERVED_COLUMNS.has(column)).toBe(false);
      }),
    );
  });

  it('changes nothing that it made itself', () => {
    fc.assert(fc.property(path, (segments) => expect(columnName([columnName(segments)])).toBe(columnName(segments))));
  });
});

describe('collisions', () => {
  it('finds case, punctuation and nesting that end in one column', () => {
    const paths = [['Foo'], ['foo'], ['a', 'b'], ['a__b'], ['alone']].map((path) => ({ path }));
    expect([...collisions(paths).keys()]).toEqual(['foo', 'a__b']);
  });
});
