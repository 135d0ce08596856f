/** `pnpm test`: everything that guards this repository, ending in one line `N passed, N failed`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { Listr } from 'listr2';
import { messageOf, reportFailure } from './local/errors';
import { chooseProviderSource, terraformEnvironment } from './local/mirror';
import { checkNeeds } from './local/needs';
import { ROOT, TOOLS } from './local/paths';
import { installJars, installPython, type Progress } from './local/tools';

interface Count {
  passed: number;
  failed: number;
}

interface Suite {
  readonly title: string;
  readonly run: (progress: Progress) => Promise<Count>;
}

const REPORTS = path.join(TOOLS.dir, 'test-reports');
/** What failing suites printed: shown after the progress display has ended, so that nothing overwrites it. */
const failures: string[] = [];

async function capture(
  title: string,
  command: string,
  args: readonly string[],
  progress: Progress,
  env: Record<string, string> = {},
): Promise<boolean> {
  const child = execa(command, args, { cwd: ROOT, all: true, reject: false, preferLocal: true, env });
  child.all.on('data', (chunk: Buffer) => {
    const line = chunk.toString('utf8').trim().split('\n').at(-1)?.trim();
    if (line !== undefined && line !== '') progress(line.slice(0, 110));
  });
  const result = await child;
  if (result.failed) failures.push(`── ${title} ──\n${result.all}`);
  return !result.failed;
}

/** A check that either holds or not: it counts as one test. */
function check(title: string, command: string, args: readonly string[], env: Record<string, string> = {}): Suite {
  return {
    title,
    run: async (progress) =>
      (await capture(title, command, args, progress, env)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 },
  };
}

function jest(title: string, project: string, args: readonly string[] = []): Suite {
  return {
    title,
    run: async (progress) => {
      const file = path.join(REPORTS, `${project}.json`);
      const ok = await capture(
        title,
        'jest',
        ['--selectProjects', project, '--json', `--outputFile=${file}`, ...args],
        progress,
      );
      if (!existsSync(file)) return { passed: 0, failed: 1 };
      const report = JSON.parse(readFileSync(file, 'utf8')) as {
        numPassedTests: number;
        numFailedTests: number;
        numRuntimeErrorTestSuites: number;
      };
      const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
      return { passed: report.numPassedTests, failed: ok ? failed : Math.max(failed, 1) };
    },
  };
}

/** Of the Spark tests, each with a session of its own, which needs up to 3 GB: one test leaves half of two cores idle. */
const SPARK_SESSIONS = Math.min(4, availableParallelism());

function pytest(title: string, folder: string, jars: () => readonly string[], options: readonly string[] = []): Suite {
  return {
    title,
    run: async (progress) => {
      const file = path.join(REPORTS, `${path.basename(folder)}.xml`);
      const args = ['-m', 'pytest', folder, '-q', '--no-header', `--junitxml=${file}`, ...options];
      const ok = await capture(title, TOOLS.python, args, progress, {
        LEAN_SPARK_JARS: jars().join(','),
        PYTHONDONTWRITEBYTECODE: '1',
      });
      if (!existsSync(file)) return { passed: 0, failed: 1 };
      const suite = /<testsuite [^>]*>/.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
      const number = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
      const failed = number('failures') + number('errors');
      return { passed: number('tests') - failed - number('skipped'), failed: ok ? failed : Math.max(failed, 1) };
    },
  };
}

function terraformTest(title: string, folder: string): Suite {
  return {
    title,
    run: async (progress) => {
      const dataDir = path.join(TOOLS.dir, 'terraform-test', folder === '.' ? 'root' : path.basename(folder));
      const env = { ...terraformEnvironment(chooseProviderSource()), TF_DATA_DIR: dataDir };
      const chdir = `-chdir=${folder}`;
      if (
        !(await capture(
          title,
          'terraform',
          [chdir, 'init', '-no-color', '-backend=false', '-input=false'],
          progress,
          env,
        ))
      )
        return { passed: 0, failed: 1 };
      const result = await execa('terraform', [chdir, 'test', '-no-color'], {
        cwd: ROOT,
        all: true,
        reject: false,
        env,
      });
      const counts = /(\d+) passed, (\d+) failed/.exec(result.all);
      const failed = Number(counts?.[2] ?? 0);
      if (result.failed) failures.push(`── ${title} ──\n${result.all}`);
      return { passed: Number(counts?.[1] ?? 0), failed: result.failed ? Math.max(failed, 1) : failed };
    },
  };
}

async function main(): Promise<void> {
  const started = Date.now();
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  let jars: readonly string[] = [];
  const total: Count = { passed: 0, failed: 0 };
  const needs = await checkNeeds();

  const modules = readdirSync(path.join(ROOT, 'modules'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.tftest.hcl'))
    .map((file) => path.join('modules', path.dirname(path.dirname(file))));
  const suites: Suite[] = [
    check('Format (prettier)', 'prettier', ['--check', '.', '--log-level', 'warn']),
    check('Lint and import rules (eslint)', 'eslint', ['.', '--max-warnings', '0']),
    check('Types (tsc)', 'tsc', ['--noEmit', '-p', 'tsconfig.json']),
    check('Python lint (ruff)', TOOLS.python, ['-m', 'ruff', 'check', '.']),
    check('Python format (ruff)', TOOLS.python, ['-m', 'ruff', 'format', '--check', '.']),
    check('Python types (mypy)', TOOLS.python, ['-m', 'mypy']),
    check('Terraform format', 'terraform', ['fmt', '-check', '-recursive', '-diff'], { TF_CLI_CONFIG_FILE: '' }),
    jest('Unit tests', 'unit'),
    check('Build', 'tsx', ['scripts/build/build.ts']),
    ...['.', ...new Set(modules)].sort().map((folder) => terraformTest(`Terraform tests: ${folder}`, folder)),
    pytest('Spark tests', 'tests/glue', () => jars, ['-n', String(SPARK_SESSIONS), '--dist', 'worksteal']),
    pytest('Local stack tests', 'tests/local', () => jars),
    jest('End-to-end tests, IAM enforced', 'e2e', ['--runInBand']),
  ];

  await new Listr(
    [
      {
        title: 'Python environment and Spark',
        task: async (_, task) => {
          await installPython(needs.python, (line) => (task.output = line));
          jars = await installJars((line) => (task.output = line));
        },
      },
      ...suites.map((suite) => ({
        title: suite.title,
        task: async (_: unknown, task: { title: string; output: string }) => {
          const began = Date.now();
          const count = await suite
            .run((line) => (task.output = line))
            .catch((error: unknown) => {
              failures.push(`── ${suite.title} ──\n${messageOf(error)}`);
              return { passed: 0, failed: 1 };
            });
          total.passed += count.passed;
          total.failed += count.failed;
          task.title = `${suite.title}: ${count.passed} passed, ${count.failed} failed (${((Date.now() - began) / 1000).toFixed(0)} s)`;
          if (count.failed > 0) throw new Error(`${suite.title} failed`);
        },
      })),
    ],
    { exitOnError: false, collectErrors: false },
  ).run();

  for (const failure of failures) console.log(`\n${failure}`);
  console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.exitCode = reportFailure(error);
}
