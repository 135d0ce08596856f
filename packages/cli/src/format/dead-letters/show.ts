/** One dead letter, for people and for programs. */
import type { Document } from '@lean-ops/common/core';
import type { ReadMessage } from '../../dead-letters/archived-message';
import { meaningOf } from '../../dead-letters/count-by-reason';
import { UNITS, type DeadLetter } from '../../dead-letters/dead-letter';
import type { OperatedDeployment } from '../../pipeline/deployment';
import { durationText, timeText } from '../../status/duration';
import { shortArn } from '../operations';
import { line } from '../plan-lines';
import { counted, plain, shellWord, sizeText } from '../text';

/** A letter, and with it its message where that was asked for. */
export interface ShownLetter {
  readonly letter: DeadLetter;
  readonly message?: ReadMessage;
}

/** Characters of a body that people see: a message may have a million. */
const MAX_BODY = 2_000;

export function shownJson(shown: readonly ShownLetter[]): string {
  const all = shown.map(({ letter, message }) => ({
    ...letter,
    meaning: meaningOf(letter.code),
    ...(message && { message: message.ok ? message.message : { code: message.code, message: message.message } }),
  }));
  return `${JSON.stringify(all, null, 2)}\n`;
}

export function shownText(
  shown: readonly ShownLetter[],
  { archiveBucket }: Pick<OperatedDeployment, 'archiveBucket'>,
  now: number,
): string {
  return shown.map((one) => oneText(one, archiveBucket, now)).join('\n');
}

function oneText({ letter, message }: ShownLetter, bucket: string, now: number): string {
  const { code, topic, messageId, failedAt, receiveCount, bodyBytes, s3Key, unit, count, fromFirehose } = letter;
  const { attempt, firstLetter, originalMessageId, editOf } = letter;
  const id = messageId ?? s3Key;
  const many = unit !== UNITS.messages || count !== 1;
  return [
    `${plain(id)}: ${code} of ${plain(topic)}, ${letter.closed === undefined ? 'open' : letter.closed.how}\n`,
    line('means', meaningOf(code)),
    line('why', plain(letter.message)),
    line('failed', agoText(failedAt, now)),
    line(fromFirehose ? 'attempts' : 'received', `${receiveCount} times`.replace(/^1 times/, 'once')),
    line('has', `${many ? `${counted(count, unit)}, ` : ''}${sizeText(bodyBytes)}`),
    line('object', plain(`s3://${bucket}/${s3Key}`)),
    attempt === 0
      ? ''
      : line(
          'again',
          `sent again ${attempt === 1 ? 'once' : `${attempt} times`} before, as message ${plain(originalMessageId ?? '')}`,
        ),
    firstLetter === undefined ? '' : line('first', plain(firstLetter)),
    editOf === undefined ? '' : line('corrects', plain(editOf)),
    closedLines(letter, now),
    message === undefined ? '' : messageLines(message),
    letter.closed === undefined ? `next: lean-ops dlq replay --id ${shellWord(nextId(letter))}\n` : '',
  ].join('');
}

/** `10:05 (12 min ago)`. */
function agoText(time: string, now: number): string {
  const at = Date.parse(time);
  return `${timeText(at, now)} (${durationText(now - at)} ago)`;
}

/** The name by which a letter is found at once. An entry of Firehose shares its object with others. */
function nextId({ fromFirehose, entry, s3Key }: DeadLetter): string {
  return fromFirehose ? entry : s3Key;
}

function closedLines({ closed }: DeadLetter, now: number): string {
  if (closed === undefined) return '';
  const { how, at, by, reason, operation } = closed;
  const name = how === 'replayed' ? 'sent' : how === 'edited' ? 'corrected' : 'discarded';
  const who = by === undefined ? '' : `, by ${shortArn(by)}`;
  return [
    line(name, `${agoText(at, now)}${who}`),
    reason === undefined ? '' : line('because', plain(reason)),
    operation === undefined ? '' : line('operation', plain(operation)),
  ].join('');
}

function messageLines(read: ReadMessage): string {
  if (!read.ok) return line('message', `${read.code}: ${plain(read.message)}`);
  const { body, attributes, sentAt, messageId } = read.message;
  const given = Object.entries(attributes).map(
    ([name, { dataType, stringValue }]) => `${name} = ${stringValue ?? `(${dataType})`}`,
  );
  const rest = body.length - MAX_BODY;
  return [
    line('id', plain(messageId)),
    line('sent at', new Date(sentAt).toISOString()),
    ...given.map((text) => line('attribute', plain(text))),
    `\n${plain(body.slice(0, MAX_BODY))}\n${rest > 0 ? `… ${rest} more characters: --format json has all\n` : ''}`,
  ].join('');
}

/** Who did what with letters, and why. */
export function letterOperationText(id: string, entry: Document): string {
  const text = (name: string): string => {
    const value = entry[name];
    return typeof value === 'string' ? plain(value) : '';
  };
  return [
    `${id}: ${text('kind')}, ${text('state')}\n`,
    line('by', shortArn(text('requested_by'))),
    line('because', text('reason')),
    line('began', text('requested_at')),
    text('ended_at') === '' ? '' : line('ended', text('ended_at')),
    line('plan', plain(JSON.stringify(entry['plan'] ?? {}))),
    line('counts', plain(JSON.stringify(entry['counts'] ?? {}))),
  ].join('');
}
