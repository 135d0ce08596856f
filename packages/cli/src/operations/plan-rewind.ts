/** The plan of `topic rewind`: to which snapshots the tables go, what that undoes, or why it cannot be. */
import { moveOf, pointsOf, type Point, type TableMove, type TopicLayer } from '@lean-ops/common/core';
import { activeVersionOf, movingPlan, takenThrough, type TopicToMove } from './moves';
import { planWork, refused, type PlanResult, type WorkPlan } from './plan';

/** Where somebody wants to go: to a cycle, or to the last point at a time. */
export type Destination = { readonly cycleId: string } | { readonly at: number };

export interface RewindWishes {
  readonly to: Destination;
  /** Whether only Curated is rewound. */
  readonly curatedOnly: boolean;
  readonly holdAfter: boolean;
}

export async function planRewind(moved: TopicToMove, wishes: RewindWishes): Promise<PlanResult<WorkPlan>> {
  const { situation, histories, readRetaken } = moved;
  const work = planWork(situation, 'rewind');
  if (!work.ok) return work;
  const { topic, item } = situation;
  const layers: readonly TopicLayer[] = wishes.curatedOnly ? ['curated'] : ['curated', 'standardized'];
  if (layers.every((layer) => histories[layer] === undefined)) {
    return refused('NO_TABLES', `${topic} has no ${wishes.curatedOnly ? 'Curated ' : ''}table yet`);
  }
  const points = pointsOf(histories);
  const found = pointFor(wishes, points);
  const next = `lean-ops topic points ${topic}`;
  if (found === undefined) {
    const oldest = nearest(points, wishes)?.cycleId;
    const instead = oldest === undefined ? '' : `. The nearest point that can be reached is ${oldest}`;
    return refused('BEYOND_RETENTION', `no snapshot of ${topic} is kept at ${wordOf(wishes.to)}${instead}`, next);
  }
  if (!fits(found, wishes)) {
    const instead = nearest(points, wishes, found)?.cycleId;
    return refused(
      'NO_ALIGNED_POINT',
      `the tables of ${topic} have no snapshots that go together at ${found.cycleId}` +
        (instead === undefined ? '' : `. The nearest point at which they have is ${instead}`),
      next,
    );
  }
  const moves: TableMove[] = [];
  for (const layer of layers) {
    const [history, to] = [histories[layer], found.layers[layer]];
    if (history === undefined || to === undefined || found.current.includes(layer)) continue;
    const result = moveOf(layer, history, to, activeVersionOf(item));
    if (!result.ok) {
      return refused(
        'SCHEMA_CHANGED',
        `between ${found.cycleId} and now a column of the ${layer} table of ${topic} got another type, or a rebuild put the ` +
          'table under another schema, so its rows of that time are of no use any more. What changed it can be undone, if it ' +
          'was an operation',
        'lean-ops op list',
      );
    }
    moves.push(result.move);
  }
  if (moves.length === 0) {
    return refused('NOTHING_TO_REWIND', `${topic} is at ${found.cycleId} already`, next);
  }
  const standardized = moves.find(({ layer }) => layer === 'standardized');
  const [first] = moves;
  const retaken = await readRetaken(takenThrough(standardized ?? first));
  if (standardized !== undefined && retaken.goneThrough !== undefined) {
    const { goneThrough } = retaken;
    const instead = [...points].reverse().find((one) => one.cycleId >= goneThrough && fits(one, wishes))?.cycleId;
    return refused(
      'DELTA_GONE',
      `cycle_delta has lost messages of cycles up to ${goneThrough}, which ${topic} would have to take again` +
        (instead === undefined ? '' : `. The earliest point behind which it has all is ${instead}`),
      `lean-ops topic rewind ${topic} --to ${found.cycleId} --layer curated, or lean-ops topic rebuild ${topic} --from raw`,
    );
  }
  const { holdAfter } = wishes;
  return {
    ok: true,
    plan: movingPlan(moved, {
      work: work.plan,
      moves,
      retaken,
      holdAfter,
      words: [
        topic,
        `--to ${found.cycleId}`,
        ...(wishes.curatedOnly ? ['--layer curated'] : []),
        ...(holdAfter ? ['--hold'] : []),
      ],
      details: { to: found.cycleId },
      line: [
        'to',
        `cycle ${found.cycleId}, whose last commit was at ${new Date(found.at).toISOString().slice(0, 16)}Z`,
      ],
    }),
  };
}

function wordOf(to: Destination): string {
  return 'cycleId' in to ? to.cycleId : new Date(to.at).toISOString();
}

function pointFor({ to, curatedOnly }: RewindWishes, points: readonly Point[]): Point | undefined {
  if ('cycleId' in to) {
    const exact = points.find(({ cycleId }) => cycleId === to.cycleId);
    return exact === undefined || !curatedOnly || exact.layers.curated !== undefined ? exact : undefined;
  }
  return points.find((one) => one.at <= to.at && fits(one, { curatedOnly }));
}

function fits({ aligned, layers }: Point, { curatedOnly }: Pick<RewindWishes, 'curatedOnly'>): boolean {
  return curatedOnly ? layers.curated !== undefined : aligned;
}

/** The point that is next to what somebody wanted: the last one before it, otherwise the first one. */
function nearest(points: readonly Point[], wishes: RewindWishes, wanted?: Point): Point | undefined {
  const possible = points.filter((one) => one !== wanted && fits(one, wishes));
  const { to } = wishes;
  const isBefore = (one: Point): boolean => ('cycleId' in to ? one.cycleId < to.cycleId : one.at <= to.at);
  return possible.find(isBefore) ?? possible.at(-1);
}
