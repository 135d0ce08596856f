import { describe, expect, it } from '@jest/globals';
import { decodeRequest } from '../src/request';

const ID = '20261130T062500Z-hold-ab12cd';

describe('decodeRequest', () => {
  it('reads each action', () => {
    const begin = { action: 'begin', operation_id: ID, execution_arn: 'arn' };
    expect(decodeRequest(begin)).toEqual({ action: 'begin', operationId: ID, executionArn: 'arn' });
    expect(decodeRequest({ action: 'drained', operation_id: ID })).toEqual({ action: 'drained', operationId: ID });
    expect(decodeRequest({ action: 'cancel', operation_id: ID })).toEqual({ action: 'cancel', operationId: ID });
    expect(decodeRequest({ action: 'finish', operation_id: ID, outcome: 'SUCCEEDED' })).toMatchObject({
      outcome: 'SUCCEEDED',
    });
  });

  it('keeps the beginning of an error, in whatever form it comes', () => {
    const failed = { action: 'finish', operation_id: ID, outcome: 'FAILED', execution_arn: 'arn' };
    expect(decodeRequest({ ...failed, error: 'x'.repeat(9_000) })).toMatchObject({ error: 'x'.repeat(2_000) });
    expect(decodeRequest({ ...failed, error: { Error: 'E' } })).toMatchObject({ error: '{"Error":"E"}' });
    expect(decodeRequest(failed)).toMatchObject({ error: '"no error was given"' });
  });

  it.each([
    [undefined],
    [{ action: 'begin', operation_id: 'topic#a', execution_arn: 'arn' }],
    [{ action: 'begin', operation_id: ID }],
    [{ action: 'finish', operation_id: ID, outcome: 'PERHAPS' }],
    [{ action: 'finish', operation_id: ID, outcome: 'FAILED' }],
    [{ action: 'dance', operation_id: ID }],
  ])('refuses %j', (event) => {
    expect(() => decodeRequest(event)).toThrow('operation-steps');
  });
});
