import { UNKNOWN_TOPIC } from '@lean-ops/common/core';
import { totalOf, type ReasonCount } from '../dead-letters/count-by-reason';
import type { DeadLetter } from '../dead-letters/dead-letter';
import type { CountedLetters, LetterFilter } from '../dead-letters/read-letters';
import type { OperatedDeployment } from '../pipeline/deployment';
import { renderTable, type Display } from './table';
import { counted, plain } from './text';

export interface LetterList extends CountedLetters, LetterFilter {
  readonly newest: readonly DeadLetter[];
}

type Names = Pick<OperatedDeployment, 'archiveBucket' | 'ingestQueueUrl' | 'namePrefix'>;

/** The most topics of a reason that a line names. */
const MAX_TOPICS = 3;
/** Whoever runs lean-ops has Node. The body goes through pipes, as it may be larger than an argument of a command may be. */
const PRINT_BODY = 'process.stdout.write(JSON.parse(require("fs").readFileSync(0, "utf8")).body)';

export function lettersJson({ reasons, more, since, topic, code, newest }: LetterList): string {
  const list = { since, topic, code, total: totalOf(reasons), more, reasons, newest };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/** The attribute makes a body that is no envelope the payload, whole. */
const MISNAMED =
  'NO_TOPIC where the body has the topic under another name: rewrite the body first (topic_name beside payload),\n' +
  'then send it without the attribute. Sent as it is, the whole body becomes the payload.\n';

/** The list for people: how many for which reason, the newest, and how to send them again. */
export function lettersText(list: LetterList, names: Names, display: Display): string {
  const { reasons, more, newest } = list;
  if (reasons.length === 0) return `No dead letters${about(list)}.\n`;
  const total = counted(totalOf(reasons), 'dead letter');
  const sections = [
    `${more ? 'More than ' : ''}${total}${about(list)}.\n`,
    renderTable(
      {
        columns: [
          { heading: 'reason', kind: 'text' },
          { heading: 'count', kind: 'number', alert: 'error' },
          { heading: 'sent again', kind: 'count' },
          { heading: 'topics', kind: 'text' },
          { heading: 'meaning', kind: 'text' },
        ],
        rows: reasons.map((reason) => [
          reason.code,
          reason.count,
          reason.resent,
          topicsText(reason),
          reason.unit === 'message' ? reason.meaning : `${reason.meaning} (counted in ${reason.unit}s)`,
        ]),
      },
      display,
    ),
    newest.length === 0 ? '' : `The newest:\n${newest.map((letter) => letterText(letter, names)).join('')}`,
    howToSendAgain(list, names),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function about({ since, topic, code }: LetterFilter): string {
  const of = topic === undefined ? '' : ` of ${plain(topic)}`;
  const by = code === undefined ? '' : ` with ${plain(code)}`;
  return `${of}${by} since ${since.slice(0, 16).replace('T', ' ')} UTC`;
}

function topicsText({ topics }: ReasonCount): string {
  const named = topics.slice(0, MAX_TOPICS).map(({ topic }) => topic);
  const rest = topics.length - named.length;
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function letterText(letter: DeadLetter, { archiveBucket }: Names): string {
  const { failedAt, code, topic, messageId, message, s3Key, count, unit } = letter;
  const which = messageId === undefined ? counted(count, unit) : `message ${messageId}`;
  const lines = [
    `  ${failedAt.slice(0, 19).replace('T', ' ')}  ${code}  ${topic}  ${which}`,
    `    ${message}`,
    `    s3://${archiveBucket}/${s3Key}`,
  ];
  return lines.map((line) => `${plain(line)}\n`).join('');
}

/** A later version sends letters again by itself. Until then these are the commands of the runbooks. */
function howToSendAgain(
  { reasons, newest, since }: LetterList,
  { archiveBucket, ingestQueueUrl, namePrefix }: Names,
): string {
  const parts: string[] = [];
  const letter = newest.find(({ fromFirehose }) => !fromFirehose);
  if (reasons.some(({ fromFirehose, count }) => !fromFirehose && count > 0)) {
    const key = letter === undefined ? 'KEY' : letter.s3Key;
    const attribute =
      letter?.topic === UNKNOWN_TOPIC
        ? ` \\\n      --message-attributes 'topic_name={DataType=String,StringValue=TOPIC}'`
        : '';
    const caution = attribute === '' ? '' : MISNAMED;
    parts.push(
      'To send a message again, first mend what its reason says (docs/runbooks/dead-letters.md), then:\n' +
        `  aws s3 cp 's3://${archiveBucket}/${key}' - |\n` +
        `    node -e '${PRINT_BODY}' |\n` +
        `    aws sqs send-message --queue-url '${ingestQueueUrl}' --message-body file:///dev/stdin${attribute}\n${caution}`,
    );
  }
  if (reasons.some(({ fromFirehose, count }) => fromFirehose && count > 0)) {
    const topic = newest.find(({ fromFirehose }) => fromFirehose)?.topic ?? 'TOPIC';
    parts.push(
      'To send again what Firehose could not deliver, first mend the cause (docs/runbooks/stream-failed-rows.md), then:\n' +
        `  aws lambda invoke --function-name ${namePrefix}-stream-error-reader --cli-read-timeout 0 \\\n` +
        '    --cli-binary-format raw-in-base64-out \\\n' +
        `    --payload '{"action":"resend","topic_name":"${topic}","since":"${since.slice(0, 10)}"}' /dev/stdout\n`,
    );
  }
  return parts.join('\n');
}
