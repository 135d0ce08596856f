import { describe, expect, it } from '@jest/globals';
import { parseErrorReport } from '../src/upload/error-report';

describe('parseErrorReport', () => {
  it('reads what the validator writes', () => {
    const errors = [{ code: 'X', path: '/a', message: 'm', hint: 'h' }];
    expect(parseErrorReport(JSON.stringify({ topic: 't', etag: '"e"', failed_at: 'now', errors }))).toEqual({
      ok: true,
      report: { etag: 'e', problems: errors },
    });
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"etag":"e","errors":[]}',
    '{"etag":7,"errors":[{}]}',
    '{"etag":"e","errors":"x"}',
  ])('says that %j is none', (text) => {
    expect(parseErrorReport(text)).toMatchObject({ ok: false });
  });

  it('makes the best of entries that somebody damaged', () => {
    expect(parseErrorReport('{"etag":"e","errors":[null,{"code":"X","path":7}]}')).toMatchObject({
      ok: true,
      report: {
        problems: [
          { code: 'UNKNOWN', path: '' },
          { code: 'X', path: '' },
        ],
      },
    });
  });
});
