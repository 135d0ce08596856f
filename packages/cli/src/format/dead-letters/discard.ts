/** The plan and the end of `dlq discard`, for people. */
import type { DeadLetter } from '../../dead-letters/dead-letter';
import type { LetterOperation } from '../../dead-letters/marks';
import { countByReason } from '../../dead-letters/count-by-reason';
import type { LetterSelection } from '../../dead-letters/select-letters';
import { line } from '../plan-lines';
import { aboutLetters, unmatchedLine } from '../replay';
import { renderTable, type Display } from '../table';
import { counted } from '../text';

export interface DiscardPlan {
  readonly letters: readonly DeadLetter[];
  readonly selection: LetterSelection;
  /** Whether letters that were discarded are to be open again. */
  readonly undo: boolean;
  readonly beyond: number;
  readonly more: boolean;
  /** The ids that mean no letter. */
  readonly unmatched: readonly string[];
}

export function discardText(
  { letters, selection, undo, beyond, more, unmatched }: DiscardPlan,
  display: Display,
): string {
  const what = undo ? 'open discarded letters again' : 'discard dead letters';
  // Entries that are closed are counted by what became of them, and these are to be counted by reason.
  const reasons = countByReason(letters.map((letter) => ({ ...letter, closed: undefined })));
  return [
    `Plan: ${what}${aboutLetters(selection)}\n`,
    line(undo ? 'opens' : 'discards', counted(letters.length, 'letter')),
    undo ? '' : line('then', 'they stay in the archive, are counted apart, and are not sent again'),
    unmatchedLine(unmatched),
    beyond === 0 ? '' : line('later', `${counted(beyond, 'more letter')} beyond --limit: run it again`),
    more ? line('later', 'the archive has more than were read: give --since, --topic or --code') : '',
    letters.length === 0
      ? ''
      : `\n${renderTable(
          {
            columns: [
              { heading: 'reason', kind: 'text' },
              { heading: 'count', kind: 'number' },
              { heading: 'topics', kind: 'text' },
              { heading: 'meaning', kind: 'text' },
            ],
            rows: reasons.map(({ code, count, topics, meaning }) => [
              code,
              count,
              topics
                .slice(0, 3)
                .map(({ topic }) => topic)
                .join(', '),
              meaning,
            ]),
          },
          display,
        )}`,
  ].join('');
}

export function discardedText({ operationId, kind }: LetterOperation, done: number, skipped: number): string {
  const what = kind === 'reopen' ? 'open again' : 'discarded';
  const others = skipped === 0 ? '' : `, ${skipped} that somebody else has dealt with meanwhile`;
  return `${operationId}: ${counted(done, 'letter')} ${what}${others}\n`;
}
