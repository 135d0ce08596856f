import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  DELETE_FILE_GAIN,
  LEAST_FILES_TO_JOIN,
  mostGain,
  readTableSize,
  REWRITTEN_FILE_BYTES,
} from '../../../src/core/warehouse/table-size';

/** Ids that differ only in digits that a number of JavaScript rounds. */
const OLDER = '9007199254740993';
const NEWER = '9007199254740992';
const MIB = 2 ** 20;

function metadata(current: string, ...snapshots: readonly string[]): string {
  return `{"format-version":2,"current-snapshot-id":${current},"snapshots":[${snapshots.join(',')}]}`;
}

function snapshot(id: string, parent: string | undefined, summary: Readonly<Record<string, string>>): string {
  const above = parent === undefined ? '' : `"parent-snapshot-id":${parent},`;
  return `{"snapshot-id":${id},${above}"summary":${JSON.stringify(summary)}}`;
}

describe('readTableSize', () => {
  it('reads the counts of the current snapshot, by its exact id', () => {
    const text = metadata(
      NEWER,
      snapshot(OLDER, undefined, { operation: 'append', 'total-data-files': '9' }),
      snapshot(NEWER, OLDER, {
        operation: 'overwrite',
        'added-data-files': '2',
        'total-data-files': '4',
        'total-files-size': '9000',
        'total-records': '77',
        'total-delete-files': '1',
      }),
    );
    expect(readTableSize(text)).toEqual({
      files: 4,
      bytes: 9_000,
      rows: 77,
      deleteFiles: 1,
      snapshots: 2,
      filesSinceRewrite: 4,
    });
  });

  it('counts the files that came since files were written anew', () => {
    const text = metadata(
      '3',
      snapshot('1', undefined, { operation: 'append', 'added-data-files': '90' }),
      snapshot('2', '1', { operation: 'replace', 'added-data-files': '3' }),
      snapshot('3', '2', { operation: 'append', 'added-data-files': '2', 'total-data-files': '5' }),
    );
    expect(readTableSize(text)).toMatchObject({ files: 5, filesSinceRewrite: 2 });
  });

  it('reads a table without snapshots, and one whose snapshots form a ring', () => {
    const nothing = { files: 0, bytes: 0, rows: 0, deleteFiles: 0, filesSinceRewrite: 0 };
    expect(readTableSize(metadata('-1'))).toEqual({ ...nothing, snapshots: 0 });
    const ring = metadata('1', snapshot('1', '1', { operation: 'append', 'total-data-files': '2' }));
    expect(readTableSize(ring)).toMatchObject({ files: 2, snapshots: 1, filesSinceRewrite: 2 });
  });

  it.each([['nothing'], ['[]'], ['{"snapshots":[]}'], ['{"format-version":2,"snapshots":[{}]}']])(
    'refuses %s',
    (text) => {
      expect(() => readTableSize(text)).toThrow('not Iceberg table metadata');
    },
  );
});

describe('mostGain', () => {
  const size = { files: 0, bytes: 0, rows: 0, deleteFiles: 0, snapshots: 1, filesSinceRewrite: 0 };

  it.each([
    ['few files', { files: 3, bytes: 300, filesSinceRewrite: 3 }, 0],
    ['small files, which become one', { files: 20, bytes: MIB, filesSinceRewrite: 20 }, 19],
    ['files of the size that is wanted', { files: 20, bytes: 20 * REWRITTEN_FILE_BYTES, filesSinceRewrite: 20 }, 0],
    ['files that were written anew', { files: 20, bytes: MIB, filesSinceRewrite: 0 }, 0],
    ['delete files', { files: 1, bytes: 300, deleteFiles: 2 }, 2 * DELETE_FILE_GAIN],
  ])('of %s', (_, changes, gain) => {
    expect(mostGain({ ...size, ...changes })).toBe(gain);
  });

  it('goes by the bounds of the job that rewrites', () => {
    const file = path.resolve(__dirname, '../../../../../scripts/glue/lean_ops/maintenance/debt.py');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`TARGET_BYTES = ${REWRITTEN_FILE_BYTES / MIB} << 20`);
    expect(text).toContain(`MIN_SMALL_FILES = ${LEAST_FILES_TO_JOIN}`);
    expect(text).toContain(`_DELETE_FILE_GAIN = ${DELETE_FILE_GAIN}`);
  });
});
