/** What the plans of rewind and undo have in common, for people. */
import type { TableMove, TopicHistories } from '@lean-ops/common/core';
import { undoneCommits, type ShownMoves } from '../operations/moves';
import type { WorkPlan } from '../operations/plan';
import { LAYER_NAMES } from './plan-lines';
import { counted, sizeText } from './text';

/** Messages a second that a cycle takes of one topic, and seconds until it and the operation's job have begun: both are guesses. */
const GUESS = { messagesPerSecond: 5_000, startSeconds: 150 } as const;
/** How many columns a line names. */
const MAX_NAMED = 6;

export function moveLines({
  moves,
  retaken,
  histories,
  activeVersion,
  keptDays,
  staysHeld,
}: ShownMoves): WorkPlan['lines'] {
  const minutes = Math.ceil((GUESS.startSeconds + retaken.messages / GUESS.messagesPerSecond) / 60);
  const curated = moves.find(({ layer }) => layer === 'curated');
  const keeps = curated !== undefined && curated.schemaId === undefined && activeVersion !== undefined;
  return [
    ...moves.flatMap((move) => tableLines(move, histories)),
    ...(keeps
      ? [
          [
            'schema',
            `its rows were validated by version ${curated.to.schemaVersion ?? 'none'}, and ${activeVersion} is active: Curated keeps its columns`,
          ] as const,
        ]
      : []),
    [
      'takes',
      retaken.messages === 0
        ? 'nothing again: the tables lack no messages then'
        : `${counted(retaken.messages, 'message')} of ${counted(retaken.cycles, 'cycle')} again, with the next cycle${staysHeld ? ' after its release' : ''}`,
    ],
    ...(retaken.messages === 0
      ? []
      : [['minutes', `about ${minutes} until they are taken again, which is a guess`] as const]),
    ['undo', `lean-ops topic undo OPERATION, for ${counted(keptDays, 'day')}`],
  ];
}

function tableLines(move: TableMove, histories: TopicHistories): (readonly [string, string])[] {
  const { layer, from, to, columnsGone, columnsBack } = move;
  const undone = undoneCommits(move, histories).length;
  const name = LAYER_NAMES[layer];
  const size = ({ rows, files, bytes }: { rows: number; files: number; bytes: number }): string =>
    `${counted(rows, 'row')} in ${counted(files, 'file')} of ${sizeText(bytes)}`;
  const columns = [
    ...(columnsGone.length === 0 ? [] : [`loses ${named(columnsGone)}`]),
    ...(columnsBack.length === 0 ? [] : [`gets back ${named(columnsBack)}`]),
  ];
  return [
    ['moves', `${name}: ${from === undefined ? 'no rows' : size(from)} to ${size(to)}`],
    ['', `snapshot ${from?.id ?? 'none'} to ${to.id}${undone === 0 ? '' : `, behind ${counted(undone, 'commit')}`}`],
    ...(columns.length === 0 ? [] : [['columns', `${name} ${columns.join(', ')}`] as const]),
  ];
}

function named(columns: readonly string[]): string {
  const more = columns.length - MAX_NAMED;
  return `${columns.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
