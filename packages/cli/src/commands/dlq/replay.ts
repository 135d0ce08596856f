import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkTopic, messageOf, type Document } from '@lean-ops/common/core';
import { InvalidArgumentError, Option } from 'commander';
import { applyReplay, type Sent } from '../../dead-letters/apply-replay';
import { applyEdit, planEdit, type EditPlan } from '../../dead-letters/edit-letter';
import { letterOperationId, recordBegin, recordEnd, type LetterOperation } from '../../dead-letters/marks';
import { basisOfReplay, planReplay, sentBy, type ReplayPlan, type ReplayWish } from '../../dead-letters/plan-replay';
import { CliError, unreadableFile } from '../../errors';
import { editText, planJson, progressText, replayText, sentJson, sentText } from '../../format/replay';
import { shellWord } from '../../format/text';
import { readOperatedDeployment, type OperatedDeployment } from '../../pipeline/deployment';
import type { Redeliver, Redeliverer } from '../../pipeline/redeliverer';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { decimalNumber, wholeNumber } from '../usage';
import {
  applyHint,
  checkedApply,
  limitOption,
  limitWords,
  outputsWords,
  selectionOf,
  selectionWords,
  staleText,
  withApply,
  withSelection,
  type SelectionOptions,
} from './selection';

const HELP = `
Without --apply it reads the letters, asks the decoder of sqs-processor, and changes nothing. What would fail
again is listed and not sent. A letter that is sent again is the message that it was: sent twice, it is once in
RAW's readers, as the version that it was. When it is interrupted, run it again. docs/runbooks/dead-letters.md

Exit codes:
  0  done, or the plan could be done, and nothing that was meant is left
  1  some letters were not sent or would not be: they would fail again, are gone, or have died too often; or
     an id means no letter; or the plan is stale
  2  wrong usage; or the command could not do its work, or not all of it`;

const DEFAULT_RATE = 50;
const DEFAULT_MAX_AGE = 300;
const MAX_ERROR = 500;

export interface ReplayOptions extends SelectionOptions {
  readonly topicAs?: string;
  readonly rate: number;
  readonly maxAge: number;
  readonly edit?: string;
  readonly again: boolean;
}

export const registerDlqReplay: RegisterCommand = (dlq, { terminal, redeliver, setExitCode }) => {
  const command = withSelection(
    dlq.command('replay').description('send dead letters again, as the messages that they were'),
  )
    .addOption(
      new Option('--topic-as <topic>', 'the topic for those without a usable one').argParser((text) => {
        const checked = checkTopic(text);
        if (checked.ok) return checked.topic;
        throw new InvalidArgumentError(`must be a topic: ${checked.message}.`);
      }),
    )
    .addOption(limitOption('the most messages to send; run it again for the others'))
    .addOption(
      new Option('--rate <number>', 'messages a second')
        .argParser(decimalNumber({ from: 0.1, to: 3_000 }))
        .default(DEFAULT_RATE),
    )
    .addOption(
      new Option('--max-age <seconds>', 'stop while the oldest message in the ingest queue is older')
        .argParser(wholeNumber({ from: 1, to: 1_209_600 }))
        .default(DEFAULT_MAX_AGE),
    )
    .option('--edit <file>', 'with one --id: send this body as a new message in its place')
    .option('--again', 'also what was sent again before, or has died three times', false);
  withApply(command)
    .addHelpText('after', HELP)
    .action(async (options: ReplayOptions) => {
      setExitCode(await dlqReplay(options, terminal, redeliver));
    });
};

interface Surroundings {
  readonly deployment: OperatedDeployment;
  readonly redeliverer: Redeliverer;
  readonly terminal: Terminal;
  readonly say: (text: string) => void;
}

/** `dlq replay`: plans, and sends when it is to. */
export async function dlqReplay(options: ReplayOptions, terminal: Terminal, redeliver: Redeliver): Promise<ExitCode> {
  const reason = checkedApply(options);
  const body = options.edit === undefined ? undefined : await bodyOf(options.edit, options, terminal);
  const deployment = await readOperatedDeployment(options.outputs, terminal);
  const redeliverer = redeliver(deployment);
  const { topicAs, limit, again } = options;
  const wish = { ...selectionOf(options, redeliverer.clock.now()), topicAs, limit, again };
  // Programs get one document in the end, and what happens meanwhile goes beside it.
  const say = options.format === 'json' ? terminal.writeError : terminal.write;
  const surroundings = { deployment, redeliverer, terminal, say };
  return body === undefined
    ? replay(wish, reason, options, surroundings)
    : edit(body, wish, reason, options, surroundings);
}

async function replay(
  wish: ReplayWish,
  reason: string,
  options: ReplayOptions,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { deployment, redeliverer, terminal, say } = surroundings;
  const plan = await planReplay(wish, deployment, redeliverer);
  const basis = basisOfReplay(plan);
  const words = ['lean-ops', 'dlq', 'replay', ...selectionWords(wish), ...optionWords(options)].join(' ');
  say(replayText(plan, { wish, rate: options.rate, maxAge: options.maxAge }));
  const document = { plan: planJson(plan, wish), basis };
  const stale = staleText(options.plan, basis, words);
  if (stale !== undefined) {
    say(stale);
    if (options.format === 'json') terminal.write(json({ ...document, refusal: 'PLAN_STALE' }));
    return EXIT.problems;
  }
  const sendable = sentBy(plan) > 0;
  if (!options.apply || !sendable) {
    if (sendable) say(applyHint(words, basis));
    if (options.format === 'json') terminal.write(json(document));
    return isWhole(plan) ? EXIT.clean : EXIT.problems;
  }
  const planned: Document = { basis, send: sentBy(plan), ...wishDocument(wish) };
  const ended = await record('replay', reason, planned, surroundings, async (operation) => {
    const interruption = redeliverer.interruption();
    try {
      return await applyReplay(plan, {
        operation,
        topicAs: wish.topicAs,
        pace: { rate: options.rate, maxAge: options.maxAge },
        deployment,
        redeliverer,
        interruption,
        onProgress: (sent) => say(progressText(sent, sentBy(plan), redeliverer.clock.now())),
      });
    } finally {
      interruption.end();
    }
  });
  say(sentText(ended.operation, ended.sent, words, deployment));
  if (options.format === 'json') terminal.write(json({ ...document, ...sentJson(ended.operation, ended.sent) }));
  if (isLeft(ended.sent)) return EXIT.failed;
  return isWhole(plan) && ended.sent.skipped === 0 ? EXIT.clean : EXIT.problems;
}

async function edit(
  body: string,
  wish: ReplayWish,
  reason: string,
  options: ReplayOptions,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { deployment, redeliverer, terminal, say } = surroundings;
  const plan: EditPlan = await planEdit(body, wish, deployment, redeliverer);
  const words = ['lean-ops', 'dlq', 'replay', ...selectionWords(wish), ...optionWords(options)].join(' ');
  say(editText(plan));
  const stale = staleText(options.plan, plan.basis, words);
  if (stale !== undefined) say(stale);
  const document = { edit: { letter: plan.letter, body_bytes: Buffer.byteLength(body), ...verdictJson(plan) } };
  if (!plan.verdict.ok || stale !== undefined || !options.apply) {
    if (plan.verdict.ok && stale === undefined) say(applyHint(words, plan.basis));
    if (options.format === 'json') terminal.write(json({ ...document, basis: plan.basis }));
    return plan.verdict.ok && stale === undefined ? EXIT.clean : EXIT.problems;
  }
  const planned: Document = { basis: plan.basis, send: 1 };
  const ended = await record('edit', reason, planned, surroundings, (operation) =>
    applyEdit(plan, { body, topicAs: wish.topicAs, operation, deployment, redeliverer }),
  );
  say(sentText(ended.operation, ended.sent, words, deployment));
  if (options.format === 'json') terminal.write(json({ ...document, ...sentJson(ended.operation, ended.sent) }));
  if (isLeft(ended.sent)) return EXIT.failed;
  return ended.sent.skipped === 0 ? EXIT.clean : EXIT.problems;
}

function verdictJson({ verdict }: EditPlan): object {
  if (!verdict.ok) return { code: verdict.code, message: verdict.message };
  const { topic, messageId } = verdict.header;
  return { topic, message_id: messageId };
}

/** Does the work with an operation's id, and puts on record who asked for it, why, and what came of it. */
async function record(
  kind: 'replay' | 'edit',
  reason: string,
  planned: Document,
  { deployment, redeliverer }: Surroundings,
  work: (operation: LetterOperation) => Promise<Sent>,
): Promise<{ readonly operation: LetterOperation; readonly sent: Sent }> {
  const { archiveTable } = deployment;
  const { clock } = redeliverer;
  const at = new Date(clock.now());
  const by = await redeliverer.caller();
  const operation = { operationId: letterOperationId(at, kind, redeliverer.hex()), kind, by, reason };
  await recordBegin(operation, planned, at.toISOString(), archiveTable, redeliverer);
  const end = async (state: 'DONE' | 'STOPPED', counts: Document): Promise<void> =>
    recordEnd(operation, state, counts, new Date(clock.now()).toISOString(), archiveTable, redeliverer);
  let sent: Sent;
  try {
    sent = await work(operation);
  } catch (error) {
    // Why it failed is what its caller wants to know, also where that cannot be put on record.
    await end('STOPPED', { error: messageOf(error).slice(0, MAX_ERROR) }).catch(() => undefined);
    throw error;
  }
  const counts: Document = { sent: sent.sent, skipped: sent.skipped, unnoted: sent.unnoted, left: { ...sent.left } };
  await end(isLeft(sent) ? 'STOPPED' : 'DONE', counts);
  return { operation, sent };
}

function isLeft({ stopped, left }: Sent): boolean {
  return stopped !== undefined || Object.keys(left).length > 0;
}

/** Whether everything that was meant is sent, or was dealt with before. */
function isWhole({ failing, gone, worn, beyond, more, unmatched }: ReplayPlan): boolean {
  return failing.length + gone.length + worn.length + beyond + unmatched.length === 0 && !more;
}

function wishDocument({ topic, code, since, until, ids, topicAs, limit, again }: ReplayWish): Document {
  return {
    since,
    limit,
    ...(until !== undefined && { until }),
    ...(topic !== undefined && { topic }),
    ...(code !== undefined && { code }),
    // An id may be the key of a record that is to be forgotten one day, and the letters name the operation.
    ...(ids !== undefined && { ids: ids.length }),
    ...(topicAs !== undefined && { topic_as: topicAs }),
    ...(again && { again }),
  };
}

/** The words of the options beside the selection, where they are not the defaults. */
function optionWords(options: ReplayOptions): string[] {
  const { topicAs, rate, maxAge, edit: file, again } = options;
  return [
    ...(topicAs === undefined ? [] : ['--topic-as', topicAs]),
    ...limitWords(options),
    ...(rate === DEFAULT_RATE ? [] : ['--rate', String(rate)]),
    ...(maxAge === DEFAULT_MAX_AGE ? [] : ['--max-age', String(maxAge)]),
    ...(file === undefined ? [] : ['--edit', shellWord(file)]),
    ...(again ? ['--again'] : []),
    ...outputsWords(options),
  ];
}

/** The text of a corrected body, as it is in the file. @throws CliError for a file that cannot be read or sent */
async function bodyOf(file: string, { id }: ReplayOptions, { cwd }: Terminal): Promise<string> {
  if (id?.length !== 1) throw new CliError('--edit goes with exactly one --id.');
  let bytes: Buffer;
  try {
    bytes = await readFile(path.resolve(cwd, file));
  } catch (error) {
    throw unreadableFile(file, error);
  }
  if (!isUtf8(bytes)) throw new CliError(`${file} is not UTF-8 text, which a message is.`);
  if (bytes.length === 0) throw new CliError(`${file} is empty.`);
  return bytes.toString('utf8');
}

function json(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
