/** The rooms of the TypeScript code: who may import whom, and how full a folder may be. Python's are in tests/glue/architecture. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(__dirname, '../..');
const MOST_FILES = 25;

/** The existing source files that Git tracks or would add. */
const SOURCES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.py', '*.tf', '*.mjs'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(ROOT, file)));

/**
 * The rooms of a source root from the lowest to the highest. A room imports rooms before it, and files of the root
 * itself; a file of the root may import every room, unless it stands in `low`, which imports none.
 */
interface House {
  readonly root: string;
  readonly rooms: readonly string[];
  readonly low: readonly string[];
}

const HOUSES: readonly House[] = [
  {
    root: 'packages/common/src/core',
    rooms: [
      'json',
      'envelope',
      'pattern',
      'delivery',
      'operations',
      'keywords',
      'dialects',
      'schema',
      'composition',
      'warehouse',
      'drift',
      'validation-sql',
      'recorded-errors',
      'infer',
      'export',
      'adopt',
    ],
    low: [
      'condition.ts',
      'dead-letters.ts',
      'error-classification.ts',
      'errors.ts',
      'etag.ts',
      'keys.ts',
      'problem.ts',
      'time.ts',
      'topic.ts',
    ],
  },
  {
    root: 'packages/cli/src',
    rooms: [
      'pipeline',
      'dead-letters',
      'schemas',
      'upload',
      'plan',
      'status',
      'recorded-errors',
      'operations',
      'format',
      'commands',
    ],
    low: ['errors.ts', 'terminal.ts'],
  },
  { root: 'scripts', rooms: ['build', 'cost', 'simulator', 'local', 'soak', 'test'], low: [] },
];

/** Relative imports of a file, as paths from the repository's root, without an extension. */
function imports(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:from|import|import\() ?'(\.\.?(?:\/[^']*)?)'/g)].map(([, target = '']) =>
    path.join(path.dirname(file), target),
  );
}

/** The room of a path within a house; '' for a file of the root itself. */
function roomOf(house: House, target: string): string {
  const parts = path.relative(house.root, target).split(path.sep);
  return house.rooms.includes(parts[0] ?? '') ? (parts[0] ?? '') : '';
}

/** Imports that run upward, as `file → target`. */
function upward(house: House): string[] {
  const files = SOURCES.filter((file) => file.startsWith(`${house.root}/`) && file.endsWith('.ts'));
  return files.flatMap((file) => {
    const room = roomOf(house, file);
    const isLow = house.low.includes(path.relative(house.root, file));
    return imports(file)
      .filter((target) => target.startsWith(`${house.root}/`))
      .filter((target) => {
        const other = roomOf(house, target);
        const isRoot = other === '';
        const isLowTarget = house.low.includes(`${path.relative(house.root, target)}.ts`);
        if (isLow) return !isLowTarget;
        if (room === '' || other === room) return false;
        return isRoot ? !isLowTarget : house.rooms.indexOf(other) > house.rooms.indexOf(room);
      })
      .map((target) => `${file} → ${target}`);
  });
}

describe('rooms', () => {
  it.each(HOUSES)('of $root: no import runs upward', (house) => {
    expect(upward(house)).toEqual([]);
  });

  it.each(HOUSES)('of $root: every folder is a room', ({ root, rooms }) => {
    const folders = SOURCES.filter((file) => file.startsWith(`${root}/`) && file.endsWith('.ts'))
      .map((file) => path.relative(root, file).split(path.sep))
      .filter((parts) => parts.length > 1)
      .map(([folder]) => folder);
    expect([...new Set(folders)].sort()).toEqual([...rooms].sort());
  });

  it(`has at most ${MOST_FILES} source files in a folder`, () => {
    const counts = new Map<string, number>();
    for (const file of SOURCES) counts.set(path.dirname(file), (counts.get(path.dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
  });
});
