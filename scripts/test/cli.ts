/**
 * `pnpm test`: everything that guards this repository, or the parts of it that are named, ending in one line
 * `N passed, N failed`. `pnpm check` is its suite `lint`.
 */
import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { wholeNumber } from '../../packages/cli/src/commands/usage';
import { newProgram, runProgram } from '../local/commands/program';
import { ReportedError, UserError } from '../local/errors';
import { checkPrerequisites } from '../local/prerequisites';
import { stackPaths } from '../local/paths';
import { takeDown } from '../local/stack';
import { installJars, installPython } from '../local/python-environment';
import { Children } from './children';
import { Display } from './display';
import type { Report } from './reports';
import { clearReports, E2E_STACK, parts, SUITES, type Need, type Part, type SuiteName } from './suites';
import { holdSuites } from './held-suites';
import { endWhenOrphaned } from './orphaned';

interface Options {
  readonly grep?: string;
  readonly thorough?: boolean;
  readonly seed?: number;
  readonly list?: boolean;
}

/** Every run but a thorough one has this seed, so that it is repeatable. */
const FIXED_SEED = 1;
const LARGEST_SEED = 2 ** 31;

const program = newProgram('pnpm test')
  .description('Run every suite, or those named.')
  .argument('[suite...]', `of ${Object.keys(SUITES).join(', ')}`)
  .option('--grep <text>', 'only tests whose name has this text; or a test file, with ::NAME for one test of it')
  .option('--thorough', 'property tests at their full number of examples, histories, schedules and kills')
  .option(
    '--seed <n>',
    'the seed of the property tests, as an earlier run printed it',
    wholeNumber({ from: 0, to: LARGEST_SEED - 1 }),
  )
  .option('--list', 'name the suites and end')
  .action(async (names: string[], options: Options) => main(names, options));

function chosenSuites(names: readonly string[]): ReadonlySet<SuiteName> {
  const known = Object.keys(SUITES) as SuiteName[];
  const unknown = names.filter((name) => !known.includes(name as SuiteName));
  if (unknown.length > 0)
    throw new UserError(`There is no suite ${unknown.join(', ')}. The suites are ${known.join(', ')}.`);
  return new Set(names.length === 0 ? known : (names as SuiteName[]));
}

/** Makes what parts need, each thing once, when the first part asks for it. */
function provisioner(python: string, display: Display): (needs: readonly Need[]) => Promise<readonly string[]> {
  let environment: Promise<void> | undefined;
  let jars: Promise<readonly string[]> | undefined;
  const progress = (line: string): void => display.progress('Set-up', line);
  return async (needs) => {
    if (needs.length === 0) return [];
    environment ??= installPython(python, progress);
    await environment;
    if (!needs.includes('jars')) return [];
    return (jars ??= installJars(progress));
  };
}

async function main(names: readonly string[], options: Options): Promise<void> {
  if (options.list === true) {
    for (const [name, what] of Object.entries(SUITES)) console.log(`${name.padEnd(10)} ${what}`);
    return;
  }
  const suites = chosenSuites(names);
  const chosen = parts().filter(({ suite }) => suites.has(suite));
  const needs = await checkPrerequisites();
  const release = holdSuites(suites);
  clearReports(suites);

  const started = Date.now();
  const children = new Children();
  const display = new Display();
  const stop = async (why: string): Promise<void> => {
    display.say(`${why}: ending what the tests have started`);
    await children.end();
    if (suites.has('e2e')) await takeDown(stackPaths(E2E_STACK));
    release();
  };
  onEnd(stop);

  const seed = options.seed ?? (options.thorough === true ? randomInt(LARGEST_SEED) : FIXED_SEED);
  const env = { LEAN_SEED: String(seed), ...(options.thorough === true ? { LEAN_THOROUGH: '1' } : {}) };
  const again = `pnpm test${names.map((name) => ` ${name}`).join('')} --thorough --seed ${seed}`;
  if (options.thorough === true) display.say(`thorough, seed ${seed}; again with: ${again}`);

  const provide = provisioner(needs.python, display);
  const reports: Report[] = [];
  const runPart = async (part: Part): Promise<void> => {
    const began = Date.now();
    let report: Report;
    try {
      const jars = await provide(part.needs);
      display.start(part.title);
      const onLine = (line: string): void => display.progress(part.title, line);
      report = await part.run({ children, grep: options.grep, env, onLine, jars });
    } catch (error) {
      // A set-up that failed says all that helps; of an error in this program its place does.
      const output = error instanceof ReportedError ? error.message : inspect(error);
      report = { passed: 0, failures: [{ test: part.title, output, alone: `pnpm test ${part.suite}` }] };
    }
    if (children.isEnding) return;
    reports.push(report);
    display.end(part.title, report, (Date.now() - began) / 1000);
  };
  // Set-up waits for the network: it begins at once, beside what needs none of it.
  const early = provide(chosen.flatMap((part) => part.needs)).catch(() => []);
  await Promise.all(
    (['busy', 'waiting'] as const).map(async (lane) => {
      for (const part of chosen) if (part.lane === lane && !children.isEnding) await runPart(part);
    }),
  );
  await early;
  // Whoever ends the run takes down what is left, and nothing that failed by that is of interest.
  if (children.isEnding) return;
  display.close();
  if (suites.has('e2e')) await takeDown(stackPaths(E2E_STACK));
  release();

  const failures = reports.flatMap((report) => report.failures);
  for (const { test, output, alone } of failures) console.log(`\n── ${test} ──\n${output.trim()}\n\nalone: ${alone}`);
  const passed = reports.reduce((sum, report) => sum + report.passed, 0);
  if (options.thorough === true && failures.length > 0) console.log(`\nwith the same seed: ${again}`);
  console.log(
    `\n${((Date.now() - started) / 1000).toFixed(0)} s${options.thorough === true ? `, seed ${seed}` : ''}\n`,
  );
  if (passed + failures.length === 0) console.log(`no test matches ${options.grep ?? ''}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  if (failures.length > 0 || passed === 0) process.exitCode = 1;
}

/** Has a signal, or the end of whoever started this run, end the tests too. */
function onEnd(stop: (why: string) => Promise<void>): void {
  let ended = false;
  const end = (why: string, code: number): void => {
    if (ended) return;
    ended = true;
    void stop(why).finally(() => process.exit(code));
  };
  process.on('SIGINT', () => end('Interrupted', 130));
  process.on('SIGTERM', () => end('Told to end', 143));
  process.on('SIGHUP', () => end('The terminal is gone', 129));
  endWhenOrphaned(() => end('Whoever started this run has ended', 143));
}

await runProgram(program);
