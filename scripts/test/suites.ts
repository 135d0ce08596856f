/** The parts of a test run. Each has a suite to choose it by, a lane to run in, and what it needs first. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { chooseProviderSource, terraformEnvironment } from '../local/provider-mirror';
import { ROOT, TOOLS } from '../local/paths';
import type { Children } from './children';
import { aloneCommand, jestReport, pytestReport, terraformReport, type Report } from './reports';
import { keywords, literally, selectionOf } from './selection';

export const SUITES = {
  lint: 'format, lint and types of every language',
  unit: 'TypeScript: packages and scripts',
  terraform: 'the modules, planned with a mocked provider',
  glue: "the Glue jobs' library, on Spark",
  local: 'the local AWS account',
  e2e: 'the deployed pipeline on the local account, with IAM enforced',
} as const;
export type SuiteName = keyof typeof SUITES;

export const REPORTS = path.join(TOOLS.dir, 'test-reports');
const BIN = path.join(ROOT, 'node_modules/.bin');
/** Each Spark session of the tests needs up to 3 GB, and one alone leaves half of two cores idle. */
const SPARK_SESSIONS = Math.min(4, availableParallelism());

/** Things that parts need before they can run. Each is made once, when the first part asks for it. */
export type Need = 'python' | 'jars';

export interface Context {
  readonly children: Children;
  /** Only tests that match: a path of a test file, with `::` and a name; or a part of names. Undefined runs all. */
  readonly grep: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly jars: readonly string[];
}

const NOTHING: Report = { passed: 0, failures: [] };

export interface Part {
  readonly suite: SuiteName;
  readonly title: string;
  /** Parts of one lane run one after another; the lanes run beside each other: one keeps the cores busy, one waits. */
  readonly lane: 'busy' | 'waiting';
  readonly needs: readonly Need[];
  readonly run: (context: Context) => Promise<Report>;
}

interface Run {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

async function run(context: Context, { name, command, args, env = {} }: Run): Promise<{ ok: boolean; output: string }> {
  const log = path.join(REPORTS, `${name}.log`);
  return context.children.run({
    command: command.includes('/') || command === 'terraform' ? command : path.join(BIN, command),
    args,
    cwd: ROOT,
    env: { ...context.env, ...env },
    log,
    onLine: context.onLine,
  });
}

/** A check that either holds or not counts as one test. */
function check(
  title: string,
  command: string,
  args: readonly string[],
  more: { readonly needs?: readonly Need[]; readonly env?: Record<string, string>; readonly lane?: Part['lane'] } = {},
): Part {
  const { needs = [], env = {}, lane = 'busy' } = more;
  return {
    suite: 'lint',
    title,
    lane,
    needs,
    run: async (context) => {
      if (context.grep !== undefined && !title.toLowerCase().includes(context.grep.toLowerCase())) return NOTHING;
      const name = `lint-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
      const { ok, output } = await run(context, { name, command, args, env });
      if (ok) return { passed: 1, failures: [] };
      return { passed: 0, failures: [{ test: title, output, alone: aloneCommand('lint', title) }] };
    },
  };
}

/**
 * Adds what a report cannot say: that the suite ended with an error which belongs to no test, or that it ran no test at
 * all though every one of its tests was wanted.
 */
function completed(report: Report, ok: boolean, suite: SuiteName, output: string, wantsAll: boolean): Report {
  const isEmpty = wantsAll && report.passed === 0;
  if ((ok && !isEmpty) || report.failures.length > 0) return report;
  const end = output.trimEnd().split('\n').slice(-60).join('\n');
  return {
    ...report,
    failures: [
      { test: `${suite} ${ok ? 'ran no test' : 'ended with an error'}`, output: end, alone: `pnpm test ${suite}` },
    ],
  };
}

interface JestRun {
  readonly suite: 'unit' | 'e2e';
  /** Names the report and the log. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

async function jest(context: Context, { suite, name, args, env = {} }: JestRun): Promise<Report> {
  const file = path.join(REPORTS, `${name}.json`);
  const chosen = selectionOf(context.grep);
  const wantsAll = context.grep === undefined;
  const { ok, output } = await run(context, {
    name,
    command: 'jest',
    args: [
      ...['--selectProjects', suite, '--json', `--outputFile=${file}`, ...args],
      ...(wantsAll ? [] : ['--passWithNoTests']),
      ...(chosen.file === undefined ? [] : ['--runTestsByPath', chosen.file]),
      ...(chosen.name === undefined ? [] : ['-t', literally(chosen.name)]),
    ],
    env,
  });
  const report = existsSync(file) ? jestReport(suite, readFileSync(file, 'utf8'), ROOT) : NOTHING;
  return completed(report, ok, suite, output, wantsAll);
}

/** Whether tests of these files may be wanted. */
function mayMatch({ grep }: Context, isOurs: (file: string) => boolean): boolean {
  const { file } = selectionOf(grep);
  return file === undefined || isOurs(file);
}

const unit: Part = {
  suite: 'unit',
  title: 'Unit tests',
  lane: 'busy',
  needs: [],
  run: async (context) =>
    mayMatch(context, (file) => !file.startsWith('tests/e2e/'))
      ? jest(context, { suite: 'unit', name: 'unit', args: ['--maxWorkers=100%'] })
      : NOTHING,
};

const E2E = 'tests/e2e/';
/** Files that share the stack's cycles, files that break something for all others while they run, and its destruction. */
const E2E_GROUPS = [
  { group: 'together', args: ['--maxWorkers=3'] },
  { group: 'alone', args: ['--runInBand'] },
  { group: 'last', args: ['--runInBand'] },
] as const;

const e2e: Part = {
  suite: 'e2e',
  title: 'End-to-end tests, IAM enforced',
  lane: 'waiting',
  needs: ['python', 'jars'],
  run: async (context) => {
    const groups = E2E_GROUPS.filter(({ group }) => mayMatch(context, (file) => file.startsWith(`${E2E}${group}/`)));
    const reports: Report[] = [];
    for (const [index, { group, args }] of groups.entries()) {
      const isLast = index === groups.length - 1;
      const env = {
        LEAN_OWNER_PID: String(process.pid),
        LEAN_E2E_STACK: [index > 0 ? 'found' : '', isLast ? '' : 'kept'].join(' '),
      };
      const files = selectionOf(context.grep).file !== undefined ? [] : ['--testPathPatterns', `${E2E}${group}/`];
      reports.push(await jest(context, { suite: 'e2e', name: `e2e-${group}`, args: [...args, ...files], env }));
    }
    return {
      passed: reports.reduce((sum, { passed }) => sum + passed, 0),
      failures: reports.flatMap(({ failures }) => failures),
    };
  },
};

/** pytest says one of these where nothing was selected. */
const NO_TESTS = /no tests ran|\d+ deselected in|not found: |no match in any of/;

function pytest(suite: 'glue' | 'local', title: string, lane: Part['lane'], args: readonly string[] = []): Part {
  return {
    suite,
    title,
    lane,
    needs: ['python', 'jars'],
    run: async (context) => {
      const file = path.join(REPORTS, `${suite}.xml`);
      const folder = `tests/${suite}`;
      const chosen = selectionOf(context.grep);
      if (chosen.file !== undefined && !chosen.file.startsWith(folder)) return NOTHING;
      const node = chosen.file === undefined ? folder : (context.grep ?? folder);
      const { ok, output } = await run(context, {
        name: suite,
        command: TOOLS.python,
        args: [
          ...['-m', 'pytest', node, '-q', '--no-header', `--junitxml=${file}`],
          ...['-o', 'junit_family=xunit1', '-o', 'junit_logging=all', '-o', 'junit_log_passing_tests=false'],
          ...(chosen.file === undefined ? args : []),
          ...(context.env['LEAN_THOROUGH'] === '1' ? [`--hypothesis-seed=${context.env['LEAN_SEED'] ?? '1'}`] : []),
          ...(chosen.file === undefined && chosen.name !== undefined ? ['-k', keywords(chosen.name)] : []),
        ],
        env: { LEAN_SPARK_JARS: context.jars.join(','), PYTHONDONTWRITEBYTECODE: '1' },
      });
      const report = existsSync(file) ? pytestReport(suite, readFileSync(file, 'utf8')) : NOTHING;
      const isEmpty = context.grep !== undefined && report.passed === 0 && NO_TESTS.test(output);
      return completed(report, ok || isEmpty, suite, output, context.grep === undefined);
    },
  };
}

function terraform(folder: string): Part {
  const name = folder === '.' ? 'root' : folder.replace(/^modules\//, '').replaceAll('/', '-');
  return {
    suite: 'terraform',
    title: `Terraform tests: ${folder}`,
    lane: 'waiting',
    needs: [],
    run: async (context) => {
      if (context.grep !== undefined && !`${folder}/`.includes(`${context.grep.replace(/\/$/, '')}/`)) return NOTHING;
      const dataDir = path.join(TOOLS.dir, 'terraform-test', name);
      const env = { ...terraformEnvironment(chooseProviderSource()), TF_DATA_DIR: dataDir };
      const step = async (...args: string[]): Promise<{ ok: boolean; output: string }> =>
        run(context, { name: `terraform-${name}`, command: 'terraform', args: [`-chdir=${folder}`, ...args], env });
      const init = await step('init', '-no-color', '-backend=false', '-input=false');
      const { ok, output } = init.ok ? await step('test', '-no-color') : init;
      return terraformReport(folder, output, ok);
    },
  };
}

/** Every folder with Terraform tests, the root first. */
function terraformFolders(): string[] {
  const modules = readdirSync(path.join(ROOT, 'modules'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.tftest.hcl'))
    .map((file) => path.join('modules', path.dirname(path.dirname(file))));
  return ['.', ...[...new Set(modules)].sort()];
}

/** All parts, in the order in which their lanes run them. */
export function parts(): readonly Part[] {
  const python = (title: string, ...args: string[]): Part =>
    check(title, TOOLS.python, ['-m', ...args], { needs: ['python'] });
  return [
    check('Format (prettier)', 'prettier', ['--check', '.', '--log-level', 'warn'], { lane: 'waiting' }),
    check('Lint and import rules (eslint)', 'eslint', ['.', '--max-warnings', '0']),
    check('Types (tsc)', 'tsc', ['--noEmit', '-p', 'tsconfig.json'], { lane: 'waiting' }),
    check('Terraform format', 'terraform', ['fmt', '-check', '-recursive', '-diff'], {
      env: { TF_CLI_CONFIG_FILE: '' },
      lane: 'waiting',
    }),
    unit,
    python('Python lint (ruff)', 'ruff', 'check', '.'),
    python('Python format (ruff)', 'ruff', 'format', '--check', '.'),
    python('Python types (mypy)', 'mypy'),
    pytest('glue', 'Spark tests', 'busy', ['-n', String(SPARK_SESSIONS), '--dist', 'worksteal']),
    ...terraformFolders().map(terraform),
    e2e,
    pytest('local', 'Local stack tests', 'waiting'),
  ];
}

/** The local stack that the end-to-end tests bring up: see tests/e2e/global-setup.ts. */
export const E2E_STACK = 'e2e';

/** Removes the reports that an earlier run of these suites has left. */
export function clearReports(suites: ReadonlySet<SuiteName>): void {
  mkdirSync(REPORTS, { recursive: true });
  for (const file of readdirSync(REPORTS))
    if ([...suites].some((suite) => file.startsWith(suite))) rmSync(path.join(REPORTS, file));
}
