/** `topic compact --all`: one operation for each topic that gains, one after another. */
import { isHeld } from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { choiceText, compactionsText, leftText } from '../../format/compaction';
import { refusalText } from '../../format/operations';
import { readChoice, type Candidate, type Choice } from '../../operations/compact-all';
import { planCompact, type Refusal } from '../../operations/plan';
import { readSituation } from '../../operations/situation';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { Operate } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { CompactOptions } from './compact';
import {
  applyPlan,
  checkedOptions,
  exitCodeOf,
  outcomeDocument,
  type Outcome,
  type Surroundings,
} from './operate-topic';

interface Done extends Outcome {
  readonly topic: string;
}

/** Compacts the topics that gain most. It stops at the first that fails, as the next would likely fail for the same cause. */
export async function compactAll(options: CompactOptions, terminal: Terminal, operate: Operate): Promise<ExitCode> {
  if (options.plan !== undefined) throw new CliError('--plan goes with one topic: --all plans each anew.');
  if (options.detach) throw new CliError('--detach goes with one topic: --all waits for each before the next.');
  checkedOptions(options);
  const deployment = await readOperationsDeployment(options.outputs, terminal);
  const operator = operate(deployment);
  const json = options.format === 'json';
  const say = json ? terminal.writeError : terminal.write;
  const surroundings = { deployment, operator, terminal, say };
  const choice = await readChoice(options.limit, deployment, operator);
  say(choiceText(choice, options, terminal));
  const done = options.apply ? await compactEach(choice.chosen, options, surroundings) : [];
  if (json) terminal.write(`${JSON.stringify(allDocument(choice, done, operator.clock.now()), null, 2)}\n`);
  return done.map(exitCodeOf).reduce<ExitCode>((worst, code) => (code > worst ? code : worst), EXIT.clean);
}

async function compactEach(
  chosen: readonly Candidate[],
  options: CompactOptions,
  surroundings: Surroundings,
): Promise<Done[]> {
  const { say } = surroundings;
  const done: Done[] = [];
  for (const [at, candidate] of chosen.entries()) {
    say(`${at + 1} of ${chosen.length}: ${candidate.topic}\n`);
    const outcome = await compactOne(candidate, options, surroundings);
    done.push({ topic: candidate.topic, ...outcome });
    if (exitCodeOf(outcome) === EXIT.failed) {
      say(leftText(chosen.length - done.length));
      break;
    }
  }
  if (chosen.length > 0) say(compactionsText(done.map(exitCodeOf)));
  return done;
}

async function compactOne(
  { topic, tables }: Candidate,
  options: CompactOptions,
  surroundings: Surroundings,
): Promise<Outcome> {
  const { deployment, operator, say } = surroundings;
  const refused = (refusal: Refusal): Outcome => {
    say(refusalText(refusal));
    return { refusal };
  };
  // Time has gone by since the topics were chosen.
  const situation = await readSituation(topic, deployment, operator);
  const planned = planCompact(situation, tables);
  if (!planned.ok) return refused(planned.refusal);
  if (!isHeld(situation.item)) return applyPlan(planned.plan, options, surroundings);
  return refused({
    code: 'HELD_OTHERWISE',
    message: `${topic} is held by now`,
    next: `lean-ops topic status ${topic}`,
  });
}

function allDocument({ chosen, skipped, later, unknown }: Choice, done: readonly Done[], now: number): object {
  return {
    chosen: chosen.map(({ topic, gain, tables }) => ({ topic, gain_at_most: gain, tables })),
    skipped,
    later,
    unknown,
    done: done.map(({ topic, ...outcome }) => ({ topic, ...outcomeDocument(outcome, now) })),
  };
}
