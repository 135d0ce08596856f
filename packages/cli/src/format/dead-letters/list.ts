import { totalOf, type ReasonCount } from '../../dead-letters/count-by-reason';
import type { DeadLetter } from '../../dead-letters/dead-letter';
import type { CountedLetters, LetterFilter } from '../../dead-letters/read-letters';
import type { OperatedDeployment } from '../../pipeline/deployment';
import { renderTable, type Display } from '../table';
import { counted, plain, shellWord } from '../text';

export interface LetterList extends CountedLetters, LetterFilter {
  readonly newest: readonly DeadLetter[];
}

type Names = Pick<OperatedDeployment, 'archiveBucket'>;

/** The most topics of a reason that a line names. */
const MAX_TOPICS = 3;
export function lettersJson({ reasons, more, since, topic, code, newest }: LetterList): string {
  const list = { since, topic, code, total: totalOf(reasons), more, reasons, newest };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/** The list for people: how many for which reason, the newest, and what to do with them. */
export function lettersText(list: LetterList, names: Names, display: Display): string {
  const { reasons, more, newest } = list;
  if (reasons.length === 0) return `No dead letters${about(list)}.\n`;
  const open = totalOf(reasons);
  const total = open === 0 ? 'No open dead letters' : counted(open, 'dead letter');
  const sections = [
    `${more && open > 0 ? 'More than ' : ''}${total}${about(list)}.\n`,
    renderTable(
      {
        columns: [
          { heading: 'reason', kind: 'text' },
          { heading: 'count', kind: 'number', alert: 'error' },
          { heading: 'sent again', kind: 'count' },
          { heading: 'discarded', kind: 'count' },
          { heading: 'topics', kind: 'text' },
          { heading: 'meaning', kind: 'text' },
        ],
        rows: reasons.map((reason) => [
          reason.code,
          reason.count,
          reason.resent,
          reason.discarded,
          topicsText(reason),
          reason.unit === 'message' ? reason.meaning : `${reason.meaning} (counted in ${reason.unit}s)`,
        ]),
      },
      display,
    ),
    newest.length === 0 ? '' : `The newest:\n${newest.map((letter) => letterText(letter, names)).join('')}`,
    whatNext(list),
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
  const { failedAt, code, topic, messageId, message, s3Key, count, unit, closed, attempt, firstLetter } = letter;
  const which = messageId === undefined ? counted(count, unit) : `message ${messageId}`;
  const lines = [
    `  ${failedAt.slice(0, 19).replace('T', ' ')}  ${code}  ${topic}  ${which}`,
    `    ${message}`,
    `    s3://${archiveBucket}/${s3Key}`,
    ...(attempt === 0
      ? []
      : [`    it died before: sent again ${attempt} times since ${firstLetter ?? ''}`.replace(' 1 times', ' once')]),
    ...(closed === undefined ? [] : [`    ${closed.how} ${closed.at.slice(0, 19).replace('T', ' ')}`]),
  ];
  return lines.map((line) => `${plain(line)}\n`).join('');
}

/** The commands that go on from the list. */
function whatNext({ reasons, newest, since, topic, code }: LetterList): string {
  if (totalOf(reasons) === 0) return '';
  const options = [
    ...(topic === undefined ? [] : ['--topic', shellWord(topic)]),
    ...(code === undefined ? [] : ['--code', shellWord(code)]),
    '--since',
    since.slice(0, 16),
  ].join(' ');
  const nameless = reasons.some(({ code: one, count }) => count > 0 && (one === 'NO_TOPIC' || one === 'INVALID_TOPIC'));
  const [letter] = newest;
  return [
    'To send them again, first mend what the reasons say (docs/runbooks/dead-letters.md), then:\n',
    `  lean-ops dlq replay ${options}\n`,
    nameless
      ? 'Those without a usable topic need one: --topic-as TOPIC, or a corrected body by --id ID --edit FILE.\n'
      : '',
    letter === undefined ? '' : `To see one: lean-ops dlq show ${shellWord(letter.messageId ?? letter.entry)}\n`,
  ].join('');
}
