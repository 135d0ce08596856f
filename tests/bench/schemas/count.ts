/** Counts how many JSON Schemas of a folder the pipeline takes: as they are, with `lint --fix`, and adopted. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  adoptSchema,
  isWarning,
  topicOfFile,
  type AdoptOptions,
  type Adoption,
} from '../../../packages/common/src/core';
import { bundle } from '../../../packages/cli/src/schemas/bundle';
import { readIds } from '../../../packages/cli/src/schemas/file-ids';
import { printTable } from '../print-table';

export interface SchemaCounts {
  readonly files: number;
  /** Taken as they are, with the header added. */
  readonly accepted: number;
  readonly accepted_with_fix: number;
  readonly adopted: number;
  /** Files in which the check ended with an exception. */
  readonly crashed: number;
  /** Milliseconds of the file that took longest to check, to fix or to adopt. */
  readonly slowest_ms: number;
  readonly slowest: string;
  /** Files that have a problem as they are, by its code. */
  readonly codes: Readonly<Record<string, number>>;
  /** The same for problems that `adopt` leaves. */
  readonly codes_of_adopted: Readonly<Record<string, number>>;
  /** What `adopt` changed, in files, by kind of change. */
  readonly changes: Readonly<Record<string, number>>;
}

/**
 * Files may refer to each other by path, or by URLs that some have as their `$id`, as those of a repository may.
 *
 * @param folder is searched for files that end in `.json`, at any depth
 */
export async function countSchemas(folder: string, say: (line: string) => void): Promise<SchemaCounts> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort();
  const taken = { accepted: 0, accepted_with_fix: 0, adopted: 0, crashed: 0 };
  const codes = new Map<string, number>();
  const codesOfAdopted = new Map<string, number>();
  const changes = new Map<string, number>();
  let slowest = { ms: 0, file: '' };
  const texts = new Map(files.map((file) => [path.resolve(folder, file), file]));
  const sources = {
    read: (absolute: string) => Promise.resolve(texts.has(absolute) ? readFileSync(absolute, 'utf8') : undefined),
    filesBelow: () => Promise.resolve([...texts.keys()]),
  };
  const root = path.resolve(folder);
  const options = { sources, root, schemas: root, ids: readIds({ sources, root, schemas: root }) };
  for (const file of files) {
    const absolute = path.resolve(folder, file);
    const { text, problems: missing } = await bundle(absolute, readFileSync(absolute, 'utf8'), options);
    const run = (strength: AdoptOptions['strength']): Adoption => {
      const start = performance.now();
      const adoption = adoptSchema(text, { topic: topicOfFile(file), strength });
      const ms = performance.now() - start;
      if (ms > slowest.ms) slowest = { ms, file };
      return adoption;
    };
    try {
      const [asItIs, fixed, adopted] = [run('header'), run('certain'), run('dropping')];
      if (asItIs.check.ok && missing.length === 0) taken.accepted += 1;
      if (fixed.check.ok && missing.length === 0) taken.accepted_with_fix += 1;
      if (adopted.check.ok) taken.adopted += 1;
      else say(`${file}: not adopted: ${[...codesOf(adopted)].join(', ')}`);
      count(codes, new Set([...codesOf(asItIs), ...missing.map(({ code }) => code)]));
      count(codesOfAdopted, codesOf(adopted));
      count(changes, new Set(adopted.changes.map(({ kind }) => kind)));
    } catch (error) {
      taken.crashed += 1;
      say(`${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return {
    files: files.length,
    ...taken,
    slowest_ms: Math.round(slowest.ms),
    slowest: slowest.file,
    codes: byCount(codes),
    codes_of_adopted: byCount(codesOfAdopted),
    changes: byCount(changes),
  };
}

function codesOf({ check }: Adoption): Set<string> {
  return new Set(check.ok ? [] : check.problems.filter((one) => !isWarning(one)).map(({ code }) => code));
}

function count(counts: Map<string, number>, found: ReadonlySet<string>): void {
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) + 1);
}

function byCount(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

export function printCounts(counts: SchemaCounts): void {
  const share = (taken: number): string => `${((100 * taken) / Math.max(1, counts.files)).toFixed(1)} %`;
  console.log(
    `${counts.files} schemas, ${counts.crashed} crashed; the slowest took ${counts.slowest_ms} ms: ${counts.slowest}`,
  );
  printTable(
    ['taken'],
    ['schemas', 'share'],
    [
      ['as they are, with the header', String(counts.accepted), share(counts.accepted)],
      ['with lint --fix', String(counts.accepted_with_fix), share(counts.accepted_with_fix)],
      ['with adopt', String(counts.adopted), share(counts.adopted)],
    ],
  );
  const codes = Object.entries(counts.codes).map(([code, schemas]) => [code, String(schemas)]);
  if (codes.length > 0) printTable(['code, as they are'], ['schemas'], codes);
}
