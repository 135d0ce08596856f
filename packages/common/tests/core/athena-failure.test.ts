import { describe, expect, it } from '@jest/globals';
import { classifyAthenaFailure } from '../../src/core/athena-failure';

const classify = (reason: string, category?: number, retryable?: boolean): string => {
  const verdict = classifyAthenaFailure({ reason, category, retryable });
  return `${verdict.disposition} ${verdict.code}`;
};

describe('classifyAthenaFailure', () => {
  it.each([
    ['ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: t', 'retryable ICEBERG_COMMIT_ERROR'],
    ['ICEBERG_VACUUM_MORE_RUNS_NEEDED: …', 'retryable ICEBERG_VACUUM_MORE_RUNS_NEEDED'],
    ['Rate exceeded (Service: AWSGlue; Status Code: 400; Error Code: ThrottlingException)', 'retryable THROTTLED'],
    ['Insufficient Lake Formation permission(s): Required Alter on t', 'environment LAKE_FORMATION'],
    ['PERMISSION_DENIED: Access Denied when writing to location: s3://b', 'environment ACCESS_DENIED'],
    [
      'FAILED: SemanticException [Error 10072]: Database does not exist: x; SCHEMA_NOT_FOUND',
      'environment NO_DATABASE',
    ],
    ['AlreadyExistsException(message:Table t already exists.)', 'statement ALREADY_EXISTS'],
    ["line 1:8: mismatched input 'TABEL'. Expecting: 'TABLE'", 'statement SYNTAX_ERROR'],
    ['TABLE_NOT_FOUND: line 1:15: Table awsdatacatalog.d.t does not exist', 'statement TABLE_NOT_FOUND'],
    ['GENERIC_INTERNAL_ERROR: no idea', 'retryable INTERNAL_ERROR'],
    ['WorkGroup lean-ops is not found.', 'environment WORKGROUP'],
    ['No output location provided.', 'environment WORKGROUP'],
    ['Column repeated: a', 'statement ATHENA_REFUSED'],
  ])('%s', (reason, verdict) => {
    expect(classify(reason)).toBe(verdict);
  });

  it('believes Athena where the words say nothing', () => {
    expect(classify('something', 1)).toBe('retryable ATHENA_SYSTEM');
    expect(classify('something', 2, true)).toBe('retryable ATHENA_SYSTEM');
    expect(classify('something', 2, false)).toBe('statement ATHENA_REFUSED');
  });
});
