/** The plan of `topic undo`: the tables go to where they were before an operation, or why they cannot. */
import {
  moveOf,
  schemaActivationOf,
  type Operation,
  type OperationKind,
  type TableBefore,
  type TableHistory,
  type TableMove,
} from '@lean-ops/common/core';
import { activeVersionOf, movingPlan, takenThrough, type TopicToMove } from './moves';
import { planWork, refused, type PlanResult, type WorkPlan } from './plan';
import { TOPIC_LAYERS } from './table-sizes';

/** The kinds that leave a tag on what was current before. */
const UNDOABLE: ReadonlySet<OperationKind> = new Set(['rewind', 'undo', 'rebuild']);

/** Gives an operation by its id; undefined where there is none. */
type ReadOperation = (operationId: string) => Promise<Operation | undefined>;

export async function planUndo(
  moved: TopicToMove,
  undone: Operation,
  read: ReadOperation,
): Promise<PlanResult<WorkPlan>> {
  const { situation, histories, readRetaken } = moved;
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
  if (tagged.length === 0 && kind === 'replay') {
    return refused(
      'UNDO_GONE',
      `${operationId} has brought recorded errors into the tables of ${topic}, and a replay is not undone: rewind the topic to a cycle ` +
        'before it, which opens them again',
      `lean-ops topic points ${topic}`,
    );
  }
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
    // Where the operation made a schema active, the one before becomes active again with the tables.
    const version = schemaActivationOf(undone) === undefined ? activeVersionOf(item) : snapshot.schemaVersion;
    const result = moveOf(layer, history, snapshot, version, tableBefore(undone, layer));
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
    plan: movingPlan(moved, {
      work: work.plan,
      moves,
      retaken,
      holdAfter: false,
      words: [operationId],
      details: { undoes: operationId },
      line: ['undoes', `${operationId}, of ${undone.requestedAt.slice(0, 16)}Z: ${undone.reason}`],
    }),
  };
}

/** What a table had before an operation. Its schema may be newer than the one of its last commit. */
function tableBefore({ counts }: Operation, layer: string): TableBefore {
  const { layers } = counts;
  const found: unknown = isRecord(layers) ? layers[layer] : undefined;
  const id = (name: string): number | undefined => {
    const value: unknown = isRecord(found) ? found[name] : undefined;
    return typeof value === 'number' ? value : undefined;
  };
  return { schemaId: id('schema_before'), specId: id('spec_before') };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The newest operation whose work on one of the tables is in force and lies on what this one did; undefined where none does. An undo
 * of a later one has taken that back. An undo of an undo has put it in force again.
 */
async function overtaking(
  operationId: string,
  histories: readonly TableHistory[],
  read: ReadOperation,
): Promise<string | undefined> {
  const isInForce = async (id: string): Promise<boolean> => {
    const undoes = (await read(id))?.plan['undoes'];
    return typeof undoes !== 'string' || undoes <= operationId || !(await isInForce(undoes));
  };
  const tags = new Set(histories.flatMap(({ undoTags }) => [...undoTags.keys()]));
  const later = [...tags].filter((one) => one > operationId).sort();
  for (const tag of later.reverse()) if (await isInForce(tag)) return tag;
  return undefined;
}
