/**
 * How much a property test plays: a share in each run, everything with `pnpm test --thorough`, whose runner sets
 * LEAN_THOROUGH. The Spark tests have the same in tests/setup/budget.py.
 */

/** The amount for this run: of examples, schedules, rounds or whatever the test counts. */
export function budget({ eachRun, thorough }: { readonly eachRun: number; readonly thorough: number }): number {
  return process.env['LEAN_THOROUGH'] === '1' ? thorough : eachRun;
}
