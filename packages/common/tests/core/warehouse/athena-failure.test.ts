import { describe, expect, it } from '@jest/globals';
import { classifyAthenaFailure } from '../../../src/core/warehouse/athena-failure';

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
    ['Query exhausted resources at this scale factor', 'retryable THROTTLED'],
    ['Amazon S3: SlowDown: Please reduce your request rate. (Status Code: 503)', 'retryable THROTTLED'],
    ['Query timeout', 'retryable INTERNAL_ERROR'],
    ['HIVE_METASTORE_ERROR: Table d.t: Service Unavailable (Service: AWSGlue)', 'retryable CATALOG_ERROR'],
    ['HIVE_METASTORE_ERROR: Access denied (Service: AWSGlue; Status Code: 400)', 'environment ACCESS_DENIED'],
    ['ConcurrentModificationException: Table t was updated', 'retryable ICEBERG_COMMIT_ERROR'],
    ['Found conflicting files: Concurrent update', 'retryable ICEBERG_COMMIT_ERROR'],
    ['The specified bucket does not exist (Error Code: NoSuchBucket)', 'environment NO_BUCKET'],
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
