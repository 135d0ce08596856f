import { describe, expect, it, jest } from '@jest/globals';
import { firehoseEvent, lambdaContext } from '@lean-ops/common/testing';
import { configFrom } from '../src/config';

const ENV = { RAW_DATABASE: 'lean_ops_raw', RAW_TABLE: 'events' };

describe('configFrom', () => {
  it('has every name, or says which are missing', () => {
    expect(configFrom(ENV)).toEqual({ rawDatabase: 'lean_ops_raw', rawTable: 'events', responseLimitBytes: 6_000_000 });
    expect(() => configFrom({})).toThrow(/RAW_DATABASE is not set; RAW_TABLE is not set/);
    expect(() => configFrom({ ...ENV, RESPONSE_LIMIT_BYTES: '7000000' })).toThrow(/6000000/);
  });
});

describe('handler', () => {
  it('answers garbage with a result', async () => {
    Object.assign(process.env, ENV);
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { handler } = await import('../src/handler');
    const event = firehoseEvent(['hello']);
    await expect(handler(event, lambdaContext())).resolves.toEqual({
      records: [{ recordId: event.records[0]!.recordId, result: 'ProcessingFailed' }],
    });
  });
});
