/** The plan of `topic undo`: the tables go to where they were before an operation, or why they cannot. */
import {
  moveOf,
  type Operation,
  type OperationKind,
  type TableHistory,
  type TableMove,
  type TopicHistories,
} from '@lean-ops/common/core';
import { moveBasis, moveDetails, type ShowMoves } from './moves';
import { planWork, refused, type PlanResult, type WorkPlan } from './plan';
import { activeVersionOf, takenThrough, type ReadRetaken } from './plan-rewind';
import type { TopicSituation } from './situation';
import { TOPIC_LAYERS } from './table-sizes';

/** The kinds that leave a tag on what was current before. */
const UNDOABLE: ReadonlySet<OperationKind> = new Set(['rewind', 'undo', 'rebuild']);

/** @param read gives an operation by its id; undefined where there is none */
export async function planUndo(
  situation: TopicSituation,
  histories: TopicHistories,
  undone: Operation,
  read: (operationId: string) => Promise<Operation | undefined>,
  readRetaken: ReadRetaken,
  keptDays: number,
  show: ShowMoves,
): Promise<PlanResult<WorkPlan>> {
  const work = planWork(situation, 'undo');
  if (!work.ok) return work;
  const { topic, item } = situation;
  const { operationId, kind } = undone;
  const tagged = TOPIC_LAYERS.flatMap((layer) => {
    const history = histories[layer];
    const tag = history?.undoTags.get(operationId);
    const snapshot = history?.byId.get(tag ?? '');
    return history === undefined || snapshot === undefined ? [] : [{ layer, history, snapshot }];
  });
  if (tagged.length === 0) {
    const why = UNDOABLE.has(kind)
      ? 'it was undone already, moved no table, or lies further back than operations can be undone'
      : `a ${kind} moves no table`;
    return refused(
      'UNDO_GONE',
      `no table of ${topic} has a tag of ${operationId}: ${why}`,
      `lean-ops topic points ${topic}`,
    );
  }
  const later = await overtaking(
    operationId,
    tagged.map(({ history }) => history),
    read,
  );
  if (later !== undefined) {
    return refused(
      'UNDO_OVERTAKEN',
      `${later} has moved ${topic} since, so it has to be undone first`,
      `lean-ops topic undo ${later}`,
    );
  }
  const moves: TableMove[] = [];
  for (const { layer, history, snapshot } of tagged) {
    const result = moveOf(layer, history, snapshot, activeVersionOf(item), schemaBefore(undone, layer));
    if (!result.ok) {
      return refused(
        'SCHEMA_CHANGED',
        `the schema that the ${layer} table of ${topic} had before ${operationId} does not read its rows`,
      );
    }
    moves.push(result.move);
  }
  const behind = moves.find(({ layer }) => layer === 'standardized') ?? moves[0];
  const retaken = await readRetaken(takenThrough(behind));
  if (behind?.layer === 'standardized' && retaken.goneThrough !== undefined) {
    return refused(
      'DELTA_GONE',
      `cycle_delta has lost messages of cycles up to ${retaken.goneThrough}, which ${topic} would have to take again`,
      `lean-ops topic rebuild ${topic} --from raw`,
    );
  }
  return {
    ok: true,
    plan: {
      ...work.plan,
      holdAfter: false,
      words: [operationId],
      details: { undoes: operationId, ...moveDetails(moves, retaken) },
      basis: moveBasis(moves),
      lines: [
        ['undoes', `${operationId}, of ${undone.requestedAt.slice(0, 16)}Z: ${undone.reason}`],
        ...show({
          moves,
          retaken,
          histories,
          activeVersion: activeVersionOf(item),
          keptDays,
          staysHeld: work.plan.held,
        }),
      ],
    },
  };
}

/** The schema that a table had before an operation, which may be newer than the one of its last commit. */
function schemaBefore({ counts }: Operation, layer: string): number | undefined {
  const { layers } = counts;
  const found: unknown = isRecord(layers) ? layers[layer] : undefined;
  const id: unknown = isRecord(found) ? found['schema_before'] : undefined;
  return typeof id === 'number' ? id : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The newest operation that has moved one of the tables since; undefined where none has. An undo of a later one has taken that
 * back, and does not count.
 */
async function overtaking(
  operationId: string,
  histories: readonly TableHistory[],
  read: (operationId: string) => Promise<Operation | undefined>,
): Promise<string | undefined> {
  const tags = new Set(histories.flatMap(({ undoTags }) => [...undoTags.keys()]));
  for (const tag of [...tags]
    .filter((one) => one > operationId)
    .sort()
    .reverse()) {
    const undoes = (await read(tag))?.plan['undoes'];
    if (typeof undoes !== 'string' || undoes <= operationId) return tag;
  }
  return undefined;
}
