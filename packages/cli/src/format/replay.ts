/** The plan of `dlq replay`, its progress and its end, for people and for programs. */
import { UNSENT_ID } from '../dead-letters/archived-message';
import type { Sent, Stopped } from '../dead-letters/apply-replay';
import type { DeadLetter } from '../dead-letters/dead-letter';
import type { EditPlan } from '../dead-letters/edit-letter';
import type { LetterOperation } from '../dead-letters/marks';
import { MAX_ATTEMPTS, sentBy, type ReplayPlan, type ReplayWish, type UnsentLetter } from '../dead-letters/plan-replay';
import type { LetterSelection } from '../dead-letters/select-letters';
import type { OperatedDeployment } from '../pipeline/deployment';
import { explainError } from '../pipeline/explain-aws-errors';
import { durationText } from '../status/duration';
import { line } from './plan-lines';
import { counted, plain } from './text';

/** The most topics of a line, and letters of a list. */
const MAX_NAMED = 5;

/** Which letters are meant: ` of telemetry.climate with TOO_LARGE since 2026-11-23 10:00 UTC`. */
export function aboutLetters({ topic, code, since, until, ids }: LetterSelection): string {
  const minute = (time: string): string => `${time.slice(0, 16).replace('T', ' ')} UTC`;
  return [
    ids === undefined ? '' : ` ${ids.length === 1 ? plain(ids[0] ?? '') : `${ids.length} that are named`}`,
    topic === undefined ? '' : ` of ${plain(topic)}`,
    code === undefined ? '' : ` with ${plain(code)}`,
    since <= '1' ? '' : ` since ${minute(since)}`,
    until === undefined ? '' : ` until ${minute(until)}`,
  ].join('');
}

export function replayText(
  plan: ReplayPlan,
  { wish, rate, maxAge }: { readonly wish: ReplayWish; readonly rate: number; readonly maxAge: number },
): string {
  const { letters, entries, failing, gone, worn, closed, beyond, tooLong, more, unmatched } = plan;
  const later = beyond - tooLong.length;
  const named = letters.filter(({ topicAs }) => topicAs).length;
  const records = entries.reduce((sum, one) => sum + one.records, 0);
  const dealt = [
    ...(closed.replayed === 0 ? [] : [`${closed.replayed} sent again before`]),
    ...(closed.edited === 0 ? [] : [`${closed.edited} corrected`]),
    ...(closed.discarded === 0 ? [] : [`${closed.discarded} discarded`]),
  ];
  const minutes = durationText((letters.length / rate) * 1_000);
  return [
    `Plan: send dead letters again${aboutLetters(wish)}\n`,
    line('sends', letters.length === 0 ? 'no messages' : `${counted(letters.length, 'message')}: ${topicsOf(letters)}`),
    named === 0
      ? ''
      : line(
          'topic',
          `${named} of them name none and go to ${wish.topicAs ?? ''}: a body that is no envelope becomes`,
        ) + line('', 'the payload as a whole; to correct it, send it by --edit'),
    entries.length === 0
      ? ''
      : line('stream', `${counted(records, 'record')} of ${counted(entries.length, 'entry', 'entries')} of Firehose`),
    failing.length === 0
      ? ''
      : line('fails', `${counted(sum(failing), 'message')} would fail again, not sent:`) + unsentLines(failing),
    gone.length === 0
      ? ''
      : line('gone', `${counted(sum(gone), 'message')} the archive does not have any more, not sent:`) +
        unsentLines(gone),
    worn.length === 0
      ? ''
      : line(
          'died',
          `${counted(worn.length, 'message')} died ${MAX_ATTEMPTS} times after being sent again, not sent (--again)`,
        ),
    unmatchedLine(unmatched),
    dealt.length === 0 ? '' : line('dealt', `with before: ${dealt.join(', ')}`),
    later === 0 ? '' : line('later', `${counted(later, 'more letter')} beyond --limit ${wish.limit}: run it again`),
    tooLong.length === 0
      ? ''
      : line(
          'limit',
          `${counted(tooLong.length, 'entry', 'entries')} of Firehose ${tooLong.length === 1 ? 'is' : 'are'} longer and sent whole: --limit ${Math.max(...tooLong.map((one) => one.records))}`,
        ),
    more ? line('later', 'the archive has more than were read: give --since, --topic or --code') : '',
    letters.length === 0
      ? ''
      : line('pace', `${rate} a second (${minutes}); it stops while the queue's oldest is older than ${maxAge} s`),
  ].join('');
}

/** The ids that mean no letter. */
export function unmatchedLine(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const rest = ids.length - MAX_NAMED;
  const shown = ids.slice(0, MAX_NAMED).map(plain).join(', ');
  return line('unknown', `no such letter: ${shown}${rest > 0 ? ` and ${rest} more` : ''}`);
}

function sum(unsent: readonly UnsentLetter[]): number {
  return unsent.reduce((total, { count }) => total + count, 0);
}

function topicsOf(letters: ReplayPlan['letters']): string {
  const counts = new Map<string, number>();
  for (const { topic } of letters) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  const topics = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const rest = topics.length - MAX_NAMED;
  const shown = topics.slice(0, MAX_NAMED).map(([topic, count]) => `${plain(topic)} ${count}`);
  return shown.join(', ') + (rest > 0 ? ` and ${counted(rest, 'more topic')}` : '');
}

/** The letters that are not sent, by code, with the newest of each. */
function unsentLines(unsent: readonly UnsentLetter[]): string {
  const byCode = new Map<string, UnsentLetter[]>();
  for (const one of unsent) byCode.set(one.code, [...(byCode.get(one.code) ?? []), one]);
  return [...byCode]
    .map(([code, all]) => {
      const { letter, message } = all.at(-1) ?? { letter: undefined, message: '' };
      return line('', plain(`${code} ${sum(all)}, such as ${letter?.messageId ?? letter?.entry ?? ''}: ${message}`));
    })
    .join('');
}

export function editText({ letter, original, verdict }: EditPlan): string {
  const { messageId, topic, code, s3Key } = letter;
  const lines = [
    'Plan: send a corrected body as a new message\n',
    line('letter', `${plain(messageId ?? '')} of ${plain(topic)}, ${code}`),
    line('', plain(s3Key)),
  ];
  if (!verdict.ok)
    return [...lines, line('fails', `${verdict.code}: ${plain(verdict.message)}. It is not sent.`)].join('');
  const { header } = verdict;
  const named = header.sourceMessageId === UNSENT_ID && !header.messageId.startsWith('edit-');
  lines.push(
    line('topic', header.topic),
    line('id', named ? `${plain(header.messageId)}, as the file says` : 'its own, made of the letter and the file'),
    line(
      'version',
      named
        ? 'what the file says of produced_at, else the time of sending'
        : 'produced_at of the file, else the time of sending',
    ),
  );
  if (named && original.body.includes(JSON.stringify(header.messageId))) {
    lines.push(
      line(
        'mind',
        'the letter has this message_id, too: where it came through all the same, and produced_at is equal,',
      ),
      line('', 'the correction counts as its copy, and the first stays. Give it a later produced_at.'),
    );
  }
  return lines.join('');
}

/** `10:00:05  1200 of 20000 sent`. */
export function progressText(sent: number, of: number, now: number): string {
  return `${new Date(now).toISOString().slice(11, 19)}  ${sent} of ${of} sent\n`;
}

/** What was done, and what to do next. */
export function sentText(
  { operationId }: LetterOperation,
  { sent, skipped, unnoted, left, stopped }: Sent,
  words: string,
  deployment: Pick<OperatedDeployment, 'ingestQueueUrl'>,
): string {
  const others = Object.entries(left).map(([code, count]) => `${count} not taken (${plain(code)})`);
  const facts = [
    `${sent} sent`,
    ...(skipped === 0 ? [] : [`${skipped} that somebody else has dealt with meanwhile, or that are gone, not sent`]),
    ...(unnoted === 0 ? [] : [`${unnoted} that could not be noted on the letter`]),
    ...others,
  ];
  const end = stopped === undefined && others.length === 0 ? '' : `${stoppedText(stopped, deployment)}next: ${words}\n`;
  return `${operationId}: ${facts.join(', ')}\n${end}`;
}

function stoppedText(
  stopped: Stopped | undefined,
  { ingestQueueUrl }: Pick<OperatedDeployment, 'ingestQueueUrl'>,
): string {
  switch (stopped?.code) {
    case undefined:
      return 'What was not taken is as it was, and the same command goes on with it.\n';
    case 'INTERRUPTED':
      return 'It was interrupted. What was sent is noted; the same command goes on with the rest.\n';
    case 'INGEST_AGE':
      return `The oldest message of the ingest queue has waited ${stopped.seconds} s: sqs-processor does not keep up. Go on when it has.\n`;
    case 'NOT_TAKEN': {
      const [code = '', message = ''] = stopped.reason.split(/: (.*)/s);
      const error = Object.assign(new Error(message), { name: code });
      return `The queue takes nothing: ${explainError(error, 'sqs:SendMessage', `the queue ${ingestQueueUrl}`)}.\n`;
    }
  }
}

/** A letter in JSON, without what only the index needs. */
function letterJson({ topic, entry, code, failedAt, messageId, s3Key, attempt }: DeadLetter): object {
  return { topic, entry, code, failed_at: failedAt, message_id: messageId ?? null, s3_key: s3Key, attempt };
}

const unsentJson = ({ letter, code, message, count }: UnsentLetter): object => ({
  ...letterJson(letter),
  fails_with: code,
  message,
  count,
});

export function planJson(
  plan: ReplayPlan,
  { topic, code, since, until, ids, topicAs, limit, again }: ReplayWish,
): object {
  const { letters, entries, failing, gone, worn, closed, beyond, tooLong, more, unmatched } = plan;
  return {
    filter: { topic, code, since, until, ids, topic_as: topicAs, limit, again },
    send: sentBy(plan),
    letters: letters.map(({ letter, topic: to, topicAs: named }) => ({ ...letterJson(letter), to, topic_as: named })),
    entries: entries.map(({ letter, records }) => ({ ...letterJson(letter), records })),
    failing: failing.map(unsentJson),
    gone: gone.map(unsentJson),
    worn: worn.map(letterJson),
    closed,
    beyond,
    too_long: tooLong.map(({ letter, records }) => ({ ...letterJson(letter), records })),
    more,
    unmatched,
  };
}

export function sentJson({ operationId, by }: LetterOperation, sent: Sent): object {
  return { operation: operationId, requested_by: by, ...sent, stopped: sent.stopped ?? null };
}
