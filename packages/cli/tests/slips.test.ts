import { describe, expect, it } from '@jest/globals';
import { checkSchema, readTopicSchema, type TopicSchema } from '@lean-ops/common/core';
import { findSlips, type SlipEvidence } from '../src/plan/slips';
import { schema } from './workspace';

function candidateOf(properties: object): TopicSchema {
  const check = checkSchema(JSON.stringify(schema('tank.level', { required: [], properties })), {});
  if (!check.ok) throw new Error(JSON.stringify(check.problems));
  return check.schema;
}

function slipsOf(properties: object, data: readonly string[], more: Partial<SlipEvidence> = {}) {
  return findSlips({
    candidate: candidateOf(properties),
    active: undefined,
    exempt: new Set(),
    filled: new Set(),
    data: data.map((column) => ({ column, path: undefined })),
    ...more,
  });
}

/** What is suggested for one field that no row has. */
function suggestion(name: string, data: readonly string[]): string | undefined {
  const [slip] = slipsOf({ [name]: { type: 'string' } }, data);
  return slip?.code === 'NO_DATA' ? slip.suggestion : undefined;
}

describe('a field that no row has', () => {
  it.each([
    ['the same letters', 'tempC', ['temperature', 'temp_c'], 'temp_c'],
    ['the same letters, nested', 'meta_lat', ['meta__lat', 'meta__lon'], 'meta__lat'],
    ['a misspelling', 'humidty', ['humidity', 'hum'], 'humidity'],
    ['words that begin alike', 'temperatur', ['status', 'temp_c'], 'temp_c'],
    ['words that begin alike, one of several', 'meta_fw', ['metadata__fw', 'metadata__level'], 'metadata__fw'],
    ['two that are as likely', 'temperatur', ['temp_c', 'temp_f'], undefined],
    ['nothing alike', 'note', ['temp_c', 'device'], undefined],
    ['a misspelling of one word', 'gps_latt', ['gps_lon', 'gps_lat'], 'gps_lat'],
    ['siblings', 'gps_lat', ['gps_lon', 'gps_alt_m'], undefined],
    ['numbered siblings', 'sensor_1', ['sensor_2'], undefined],
    ['a name that begins alike', 'battery_level', ['battery_voltage'], undefined],
    ['a unit that is missing', 'level_m', ['level'], 'level'],
    ['a shared syllable only', 'pressure', ['pr', 'sure'], undefined],
  ])('is likely %s: %s of %j', (_, name, data, expected) => {
    expect(suggestion(name, data)).toBe(expected);
  });

  it('is never taken for a column that the schema has, the pipeline owns, or an engine keeps', () => {
    const slips = slipsOf(
      { level: { type: 'string' }, levle: { type: 'string' } },
      ['level', '_deleted', 'message_id'],
      {
        filled: new Set(['level']),
      },
    );
    expect(slips).toMatchObject([{ code: 'NO_DATA', field: { column: 'levle' }, suggestion: undefined }]);
  });

  it('shows the path that the data has, where the column knows it', () => {
    const data = [{ column: 'gps__lat', path: ['GPS', 'lat'] }];
    const dotted = slipsOf({ 'gps.lat': { type: 'number' } }, [], { data });
    expect(dotted).toMatchObject([{ code: 'DOT_IN_NAME', suggestion: 'GPS.lat' }, { code: 'NOT_IN_SCHEMA' }]);
  });

  it('is no slip where cycles have taken an object in columns that the schema keeps as sent', () => {
    const document = { properties: { raw: { type: 'object', 'x-flatten': false } } };
    const candidate = readTopicSchema(JSON.stringify(document), document);
    const data = ['raw__a', 'raw__b__c', 'raws'].map((column) => ({ column, path: undefined }));
    const evidence = { candidate, active: undefined, data, filled: new Set<string>(), exempt: new Set(['raw']) };
    expect(findSlips(evidence)).toEqual([{ code: 'NOT_IN_SCHEMA', columns: ['raws'] }]);
  });

  it('is no slip where it is deprecated or broken in every row, and in force where the active version has it', () => {
    const properties = { old: { type: 'string' }, kept: { type: 'string' } };
    const active = candidateOf({ kept: { type: 'string' } });
    expect(slipsOf(properties, [], { active, exempt: new Set(['old']) })).toMatchObject([
      { field: { column: 'kept' }, inForce: true },
    ]);
  });
});
