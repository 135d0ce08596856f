import { mapLimit, type Document } from '@lean-ops/common/core';
import type { DeadLetter } from '../../dead-letters/dead-letter';
import {
  letterOperationId,
  markDiscarded,
  markReopened,
  recordBegin,
  recordEnd,
  type LetterOperation,
} from '../../dead-letters/marks';
import { digestOf } from '../../dead-letters/plan-replay';
import { selectLetters } from '../../dead-letters/select-letters';
import { discardedText, discardText } from '../../format/dead-letters/discard';
import { readOperatedDeployment } from '../../pipeline/deployment';
import type { Redeliver } from '../../pipeline/redeliverer';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
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
Without --apply it shows which letters, and changes nothing. Nothing is deleted: a discarded letter stays in the
archive, is counted apart, and is not sent again. --undo opens it again.

Exit codes:
  0  done, or the plan could be done
  1  there is nothing to discard, an id means no letter, or the plan is stale
  2  wrong usage, or the command could not do its work, or not all of it`;

const CONCURRENCY = 16;

export interface DiscardOptions extends SelectionOptions {
  readonly undo: boolean;
}

export const registerDlqDiscard: RegisterCommand = (dlq, { terminal, redeliver, setExitCode }) => {
  const command = withSelection(
    dlq.command('discard').description('note on dead letters that they are not to be sent again; nothing is deleted'),
  )
    .addOption(limitOption('the most letters to discard'))
    .option('--undo', 'open again what was discarded', false);
  withApply(command)
    .addHelpText('after', HELP)
    .action(async (options: DiscardOptions) => {
      setExitCode(await dlqDiscard(options, terminal, redeliver));
    });
};

/** `dlq discard`: marks letters as not to be sent again, or open again. */
export async function dlqDiscard(options: DiscardOptions, terminal: Terminal, redeliver: Redeliver): Promise<ExitCode> {
  const reason = checkedApply(options);
  const { limit, undo, outputs, format } = options;
  const deployment = await readOperatedDeployment(outputs, terminal);
  const redeliverer = redeliver(deployment);
  const { archive, clock, caller, hex } = redeliverer;
  const selection = selectionOf(options, clock.now());
  const { letters: selected, more, unmatched } = await selectLetters(archive, selection);
  const meant = selected.filter(({ closed }) => (undo ? closed?.how === 'discarded' : closed === undefined));
  const letters = meant.slice(0, limit);
  const basis = `count=${letters.length},letters=${digestOf(letters.map(({ topic, entry }) => `${topic} ${entry}`))}`;
  const words = [
    'lean-ops dlq discard',
    ...selectionWords(selection),
    ...limitWords(options),
    ...(undo ? ['--undo'] : []),
    ...outputsWords(options),
  ].join(' ');

  const say = format === 'json' ? terminal.writeError : terminal.write;
  say(discardText({ letters, selection, undo, beyond: meant.length - letters.length, more, unmatched }, terminal));
  const stale = staleText(options.plan, basis, words);
  if (stale !== undefined) say(stale);
  const document = {
    undo,
    basis,
    letters: letters.map(letterJson),
    beyond: meant.length - letters.length,
    more,
    unmatched,
  };
  const whole = unmatched.length === 0 ? EXIT.clean : EXIT.problems;
  if (stale !== undefined || letters.length === 0 || !options.apply) {
    if (stale === undefined && letters.length > 0) {
      say(applyHint(words, basis));
    }
    if (format === 'json') terminal.write(`${JSON.stringify(document, null, 2)}\n`);
    return stale === undefined && letters.length > 0 ? whole : EXIT.problems;
  }

  const { archiveTable } = deployment;
  const at = new Date(clock.now());
  const kind = undo ? 'reopen' : 'discard';
  const operation: LetterOperation = {
    operationId: letterOperationId(at, kind, hex()),
    kind,
    by: await caller(),
    reason,
  };
  const planned: Document = { basis, count: letters.length };
  await recordBegin(operation, planned, at.toISOString(), archiveTable, redeliverer);
  const marked = await mapLimit(letters, CONCURRENCY, (letter) =>
    undo
      ? markReopened(letter, archiveTable, redeliverer)
      : markDiscarded(letter, operation, at.toISOString(), archiveTable, redeliverer),
  );
  const done = marked.filter(Boolean).length;
  const counts: Document = { done, skipped: letters.length - done };
  await recordEnd(operation, 'DONE', counts, new Date(clock.now()).toISOString(), archiveTable, redeliverer);
  say(discardedText(operation, done, letters.length - done));
  if (format === 'json') {
    terminal.write(`${JSON.stringify({ ...document, operation: operation.operationId, ...counts }, null, 2)}\n`);
  }
  return whole;
}

function letterJson({ topic, entry, code, failedAt, messageId, s3Key }: DeadLetter): object {
  return { topic, entry, code, failed_at: failedAt, message_id: messageId ?? null, s3_key: s3Key };
}
