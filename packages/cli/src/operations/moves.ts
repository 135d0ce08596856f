/** What the plans of rewind and undo have in common: the tables that are moved, as data. */
import {
  lineageOf,
  type Document,
  type HistorySnapshot,
  type TableMove,
  type TopicHistories,
} from '@lean-ops/common/core';
import type { PlanBasis, WorkPlan } from './plan';
import type { Retaken } from './retaken';
import type { TopicSituation } from './situation';

/** A topic whose tables are to be moved: what the plans of rewind and undo are made from. */
export interface TopicToMove {
  readonly situation: TopicSituation;
  readonly histories: TopicHistories;
  /** Reads what comes after a cycle, where the plan has to know it. */
  readonly readRetaken: (after: string | undefined) => Promise<Retaken>;
  /** Days for which the operation can be undone. */
  readonly keptDays: number;
  readonly show: ShowMoves;
}

/** What is of a plan's own kind, beside the moves. */
interface MovingPlan {
  readonly work: Omit<WorkPlan, 'holdAfter' | 'words' | 'details' | 'basis' | 'lines'>;
  readonly moves: readonly TableMove[];
  readonly retaken: Retaken;
  readonly holdAfter: boolean;
  readonly words: readonly string[];
  readonly details: Document;
  readonly line: WorkPlan['lines'][number];
}

/** The plan of an operation that moves tables. */
export function movingPlan(
  { situation, histories, keptDays, show }: TopicToMove,
  { work, moves, retaken, holdAfter, words, details, line }: MovingPlan,
): WorkPlan {
  const activeVersion = activeVersionOf(situation.item);
  const staysHeld = holdAfter || work.held;
  return {
    ...work,
    holdAfter,
    words,
    details: { ...details, ...moveDetails(moves, retaken) },
    basis: moveBasis(moves),
    lines: [line, ...show({ moves, retaken, histories, activeVersion, keptDays, staysHeld })],
  };
}

/** The version of the topic's active schema; undefined where it has none. */
export function activeVersionOf(item: TopicSituation['item']): number | undefined {
  const version = item?.['schema_version'];
  return item?.['processing_enabled'] === true && typeof version === 'number' ? version : undefined;
}

/** The last cycle whose messages a table has where it is moved to. */
export function takenThrough(move: TableMove | undefined): string | undefined {
  return move?.to.through ?? move?.to.cycleId;
}

/** What the operation's item keeps of the moves. scripts/glue/lean_ops/operations/rewinding.py reads the targets. */
function moveDetails(moves: readonly TableMove[], retaken: Retaken): Document {
  const targets: Document = Object.fromEntries(
    moves.map(({ layer, from, to, schemaId, specId }) => [
      layer,
      {
        snapshot_id: to.id,
        ...(schemaId !== undefined && { schema_id: schemaId }),
        ...(specId !== undefined && { spec_id: specId }),
        ...(to.cycleId !== undefined && { cycle_id: to.cycleId }),
        ...(from !== undefined && { from_snapshot_id: from.id, rows_before: from.rows }),
        rows_after: to.rows,
      },
    ]),
  );
  return { targets, cycles_again: retaken.cycles, messages_again: retaken.messages };
}

/** The snapshots that are current now: when a cycle has committed since, the plan is another one. */
function moveBasis(moves: readonly TableMove[]): PlanBasis {
  return Object.fromEntries(moves.map(({ layer, from }) => [layer, from?.id ?? 'none']));
}

/** The moves of a plan, with what people want to know of them. */
export interface ShownMoves {
  readonly moves: readonly TableMove[];
  readonly retaken: Retaken;
  readonly histories: TopicHistories;
  readonly activeVersion: number | undefined;
  /** Days for which the operation can be undone. */
  readonly keptDays: number;
  /** Whether the topic stays held, so that no cycle takes anything before its release. */
  readonly staysHeld: boolean;
}

/** Says the moves for people. format/move-lines.ts does. */
export type ShowMoves = (shown: ShownMoves) => WorkPlan['lines'];

/** The commits of cycles that a move undoes, as far as they are kept. */
export function undoneCommits(move: TableMove, histories: TopicHistories): readonly HistorySnapshot[] {
  const history = histories[move.layer];
  const lineage = history === undefined ? [] : lineageOf(history);
  const place = lineage.findIndex(({ id }) => id === move.to.id);
  return (place < 0 ? [] : lineage.slice(0, place)).filter(({ cycleId }) => cycleId !== undefined);
}
