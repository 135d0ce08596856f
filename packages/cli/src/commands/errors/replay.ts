import { isFingerprint } from '@lean-ops/common/core';
import { InvalidArgumentError, Option } from 'commander';
import { CliError } from '../../errors';
import { refusalText } from '../../format/operations';
import { shellWord } from '../../format/text';
import type { Refusal } from '../../operations/plan';
import { planReplay } from './plan-replay';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { Operate } from '../../pipeline/operator';
import { selectErrors } from '../../recorded-errors/select-errors';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { parseTopic } from '../schema-plan';
import { parseSince, sinceDate, utcTime, type Since } from '../since';
import {
  checkedOptions,
  operateTopic,
  outcomeDocument,
  withOperateOptions,
  type OperateOptions,
} from '../topic/operate-topic';

export interface ErrorsReplayOptions extends OperateOptions {
  readonly topic?: string;
  readonly topicAs?: string;
  readonly errorId?: readonly string[];
  readonly since?: Since;
  readonly until?: Date;
}

/** The most that an operation's item has room for. */
const MAX_ERRORS = 1_000;

export const registerErrorsReplay: RegisterCommand = (errors, { terminal, operate, setExitCode }) => {
  const command = errors
    .command('replay')
    .description(
      'judge open errors by the schema in force, and bring in what is valid now; the topic is held meanwhile',
    )
    .argument('[fingerprints...]', 'as errors top prints them; all of one topic')
    .option('--topic <topic>', 'all open errors of this topic, or the named ones of it')
    .option(
      '--topic-as <topic>',
      "take what could not be read of --topic, whose table is another one's, under the name that it has now",
    )
    .option('--error-id <id...>', 'the error_id of a row; may be given several times')
    .option('--since <time>', 'only what was found since then: 30m, 12h, 1d, or a time in UTC', parseSince)
    .addOption(
      new Option('--until <time>', 'only what was found until then, a time in UTC (default: now)').argParser(
        parseUntil,
      ),
    );
  withOperateOptions(command).action(async (fingerprints: string[], options: ErrorsReplayOptions) => {
    setExitCode(await errorsReplay(fingerprints, options, terminal, operate));
  });
};

function parseUntil(text: string): Date {
  const at = text.includes('T') ? utcTime(text) : undefined;
  if (at !== undefined) return new Date(at);
  throw new InvalidArgumentError('must be a time such as 2026-11-23T10:00 (UTC).');
}

/** `errors replay`: the plan of a replay, and with --apply the operation that does it. */
export async function errorsReplay(
  fingerprints: readonly string[],
  options: ErrorsReplayOptions,
  terminal: Terminal,
  operate: Operate,
): Promise<ExitCode> {
  const { topic: given, errorId: errorIds = [], since: asked } = options;
  checkSelectors(fingerprints, errorIds, given);
  checkedOptions(options);
  const topicAs = options.topicAs === undefined ? undefined : parseTopic(options.topicAs);
  if (topicAs !== undefined && given === undefined) {
    throw new CliError('--topic-as is the new name of a topic: say by --topic which name its messages have.');
  }
  const deployment = await readOperationsDeployment(options.outputs, terminal);
  const operator = operate(deployment);
  const now = operator.clock.now();
  const until = options.until ?? new Date(now);
  const since = asked && sinceDate(asked, now);
  const selection = {
    topic: given === undefined ? undefined : parseTopic(given),
    ...(fingerprints.length > 0 && { fingerprints: [...new Set(fingerprints)] }),
    ...(errorIds.length > 0 && { errorIds: [...new Set(errorIds)] }),
    since,
    until,
  };
  const { topic, causes: found } = await selectErrors(selection, deployment, operator);
  if (topic === undefined) return nothingOpen(options, terminal, now);
  // What a schema has refused is judged by that topic's own schema.
  const causes = topicAs === undefined ? found : found.filter(({ layer }) => layer === 'standardized');
  const words = [
    ...fingerprints,
    '--topic',
    topic,
    ...(topicAs === undefined ? [] : ['--topic-as', topicAs]),
    ...errorIds.flatMap((id) => ['--error-id', shellWord(id)]),
    ...(since === undefined ? [] : ['--since', since.toISOString()]),
    '--until',
    until.toISOString(),
  ];
  return operateTopic(topicAs ?? topic, options, terminal, operate, (situation) =>
    planReplay(situation, { selection: { ...selection, topic }, causes, words }, deployment, operator),
  );
}

/** @throws CliError for selectors that select nothing, or are no such */
function checkSelectors(fingerprints: readonly string[], errorIds: readonly string[], topic: string | undefined): void {
  if (fingerprints.length + errorIds.length === 0 && topic === undefined) {
    throw new CliError('say which errors: fingerprints (lean-ops errors top), --topic TOPIC, or --error-id ID.');
  }
  const wrong = fingerprints.find((one) => !isFingerprint(one));
  if (wrong !== undefined) {
    throw new CliError(`${wrong} is no fingerprint such as E1-3f0ac91b7d, as lean-ops errors top prints it.`);
  }
  if (fingerprints.length > MAX_ERRORS || errorIds.length > MAX_ERRORS) {
    throw new CliError(`name at most ${MAX_ERRORS} errors at a time, or --topic for all of a topic.`);
  }
}

function nothingOpen({ format }: ErrorsReplayOptions, terminal: Terminal, now: number): ExitCode {
  const refusal: Refusal = {
    code: 'NOTHING_TO_REPLAY',
    message: 'no error is open among those that were asked for',
    next: 'lean-ops errors top --state all',
  };
  if (format === 'json') terminal.write(`${JSON.stringify(outcomeDocument({ refusal }, now), null, 2)}\n`);
  else terminal.write(refusalText(refusal));
  return EXIT.problems;
}
