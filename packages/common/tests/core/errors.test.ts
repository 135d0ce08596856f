import { describe, expect, it } from '@jest/globals';
import { classifyCode, classifyError } from '../../src/core/error-classification';
import { LeanOpsError, messageOf } from '../../src/core/errors';

const sdkError = (name: string, httpStatusCode?: number): Error =>
  Object.assign(new Error('as the SDK throws it'), { name, $metadata: { httpStatusCode } });

describe('classifyError', () => {
  it.each([
    ['ThrottlingException', 400, 'retryable', 'none'],
    ['ServiceUnavailableException', 503, 'retryable', 'unknown'],
    ['InternalFailure', 500, 'retryable', 'unknown'],
    ['SlowDown', 503, 'retryable', 'none'],
    ['ProvisionedThroughputExceededException', 400, 'retryable', 'none'],
    ['TimeoutError', undefined, 'retryable', 'unknown'],
    ['AbortError', undefined, 'retryable', 'unknown'],
    ['ExpiredTokenException', 400, 'retryable', 'none'],
    ['ConcurrentModificationException', 400, 'retryable', 'none'],
    ['AccessDeniedException', 400, 'permanent', 'none'],
    ['AccessDenied', 403, 'permanent', 'none'],
    ['ResourceNotFoundException', 400, 'permanent', 'none'],
    ['AWS.SimpleQueueService.NonExistentQueue', 400, 'permanent', 'none'],
    ['InvalidArgumentException', 400, 'permanent', 'none'],
    ['ValidationException', 400, 'permanent', 'none'],
    ['ConditionalCheckFailedException', 400, 'permanent', 'none'],
    ['SomethingNew', 500, 'retryable', 'unknown'],
    ['SomethingNew', 429, 'retryable', 'none'],
    ['SomethingNew', 403, 'permanent', 'none'],
    ['SomethingNew', 400, 'permanent', 'none'],
    ['SomethingNew', undefined, 'retryable', 'unknown'],
  ])('%s with status %s is %s, its effect %s', (name, status, disposition, effect) => {
    expect(classifyError(sdkError(name, status))).toEqual({
      disposition,
      effect,
      code: name,
      reason: expect.stringMatching(/\w/),
    });
  });

  it('reads the code of a socket error, also when the SDK has wrapped it', () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    expect(classifyError(reset)).toMatchObject({ disposition: 'retryable', effect: 'unknown', code: 'ECONNRESET' });
    expect(classifyError(new Error('send failed', { cause: reset }))).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([undefined, null, 'text', 7, {}, new Error('no idea')])('has an answer for %p: try again', (thrown) => {
    expect(classifyError(thrown)).toMatchObject({ disposition: 'retryable', effect: 'unknown' });
    expect(typeof messageOf(thrown)).toBe('string');
  });
});

describe('classifyCode', () => {
  it('knows the codes PutRecordBatch gives for one record', () => {
    expect(classifyCode('ServiceUnavailableException').disposition).toBe('retryable');
    expect(classifyCode('InternalFailure').disposition).toBe('retryable');
    expect(classifyCode('NeverHeardOf').disposition).toBe('retryable');
    expect(classifyCode('InvalidMessageContents').disposition).toBe('permanent');
  });
});

describe('LeanOpsError', () => {
  it('carries code, data and cause', () => {
    const cause = new Error('below');
    const error = new LeanOpsError('SOME_CODE', 'what happened', { data: { topic_name: 't' }, cause });
    expect(error).toMatchObject({ name: 'LeanOpsError', code: 'SOME_CODE', data: { topic_name: 't' }, cause });
    expect(error).toBeInstanceOf(Error);
  });
});
