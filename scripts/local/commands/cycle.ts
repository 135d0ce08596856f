import type { Command } from 'commander';
import { runCycle, type CycleOutcome } from '../cycle';
import { PipelineError } from '../errors';
import { lastCycleStart, numberOfLetters, readDeadLetters, renderDeadLetters } from '../reports/dead-letters';
import { failuresOf, parseErrorsOnly, readLedger, renderLedger } from '../reports/ledger';
import { requireStack, type Stack } from '../stack';
import { display } from './program';

export function registerCycle(program: Command): void {
  program
    .command('cycle')
    .description('wait until what was sent has landed, run one cycle, and print its ledger')
    .action(async () => {
      const stack = requireStack();
      const before = await lastCycleStart(stack);
      let last = '';
      const outcome = await runCycle(stack, (line) => {
        if (line !== last) console.log(`  ${(last = line)}`);
      });
      console.log(`${sentenceOf(outcome)}\n`);
      const problems = [...(await printLedger(stack, outcome)), ...(await printDeadLetters(stack, outcome, before))];
      if (problems.length > 0) throw new PipelineError(problems.join('\n'));
    });
}

/** What the cycle did, in words. The reasons are cycle-planner's (packages/cycle-planner/src/plan-cycle.ts). */
export function sentenceOf({ cycleId, reason, seconds }: CycleOutcome): string {
  const name = cycleId === undefined || cycleId === '' ? 'The cycle' : `Cycle ${cycleId}`;
  const took = `in ${seconds.toFixed(1)} s`;
  switch (reason) {
    case 'NEW_RECORDS':
      return `${name} took the new messages ${took}.`;
    case 'CATCH_UP':
      return `${name} found no new messages and did what the last cycle left ${took}.`;
    case 'BACKFILL':
      return `${name} found no new messages and validated existing rows by new schemas ${took}.`;
    case 'NOTHING_NEW':
      return `${name} found nothing to do.`;
    case 'LEASE_HELD':
      return `${name} did nothing, because another cycle is running.`;
    case undefined:
    default:
      return `${name} ended ${took}.`;
  }
}

/** Prints the cycle's ledger, and returns a text for each thing that is wrong with it. */
async function printLedger(stack: Stack, { cycleId, states }: CycleOutcome): Promise<readonly string[]> {
  if (cycleId === undefined || !states.includes('Standardized')) return [];
  const rows = await readLedger(stack, cycleId);
  console.log(renderLedger(rows, display()));
  const failed = failuresOf(rows);
  return [
    ...(failed.length === 0 ? [] : [['These topics failed, or do not balance:', ...failed].join('\n  ')]),
    ...parseErrorsOnly(rows),
  ];
}

/**
 * Prints what went to the archive, and returns a text when nothing else was sent. Dead letters come before a cycle starts, as
 * it waits for all that was sent; so the last start divides them.
 */
async function printDeadLetters(
  stack: Stack,
  { reason = '' }: CycleOutcome,
  before: string | undefined,
): Promise<readonly string[]> {
  const letters = await readDeadLetters(stack, before);
  if (numberOfLetters(letters) === 0) return [];
  console.log(renderDeadLetters(letters, before === undefined ? 'since the stack came up' : 'since the last cycle'));
  return WITHOUT_MESSAGES.has(reason) ? ['No message became a row: all of them went to the archive.'] : [];
}

/** The reasons of a cycle that found no new message in RAW. */
const WITHOUT_MESSAGES: ReadonlySet<string> = new Set(['NOTHING_NEW', 'CATCH_UP', 'BACKFILL']);
