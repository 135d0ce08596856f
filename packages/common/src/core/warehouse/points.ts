/**
 * The points of a topic: the cycles to which its tables can be taken back, as far as their snapshots are kept. A table is at a
 * cycle by its last commit of that cycle or of one before it.
 */
import type { TopicLayer } from './freshness';
import {
  hiddenColumns,
  lineageOf,
  readsAs,
  type HistoryColumn,
  type HistorySnapshot,
  type TableHistory,
} from './table-history';

/** The histories of the tables that a topic has. One without a schema has no Curated table. */
export type TopicHistories = Readonly<Partial<Record<TopicLayer, TableHistory>>>;

/** A cycle to which a topic can be taken back, in the layers that have a snapshot of it. */
export interface Point {
  readonly cycleId: string;
  /** When its last commit was made, in epoch milliseconds. */
  readonly at: number;
  readonly layers: Readonly<Partial<Record<TopicLayer, HistorySnapshot>>>;
  /** Whether every table of the topic has a snapshot of it, and Curated's has all messages of Standardized's. */
  readonly aligned: boolean;
  /** The layers whose tables are there now. */
  readonly current: readonly TopicLayer[];
  /** Operations whose undo leads to it. */
  readonly undoes: readonly string[];
}

const LAYERS = ['standardized', 'curated'] as const;

/** All points that the kept snapshots allow, newest first. */
export function pointsOf(histories: TopicHistories): Point[] {
  const tables = LAYERS.flatMap((layer) => {
    const history = histories[layer];
    return history === undefined ? [] : [{ layer, timeline: new Timeline(history) }];
  });
  const cycles = new Set(tables.flatMap(({ timeline }) => timeline.cycles));
  return [...cycles]
    .sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
    .map((cycleId) => {
      const found = tables.map(({ layer, timeline }) => ({ layer, timeline, snapshots: timeline.at(cycleId) }));
      const standardized = found.find(({ layer }) => layer === 'standardized')?.snapshots[0];
      const layers: Partial<Record<TopicLayer, HistorySnapshot>> = {};
      for (const { layer, snapshots } of found) {
        const fits = snapshots.find((one) => layer === 'standardized' || goWith(one, standardized));
        const chosen = fits ?? snapshots[0];
        if (chosen !== undefined) layers[layer] = chosen;
      }
      const { curated } = layers;
      return {
        cycleId,
        at: Math.max(...Object.values(layers).map(({ committedAt }) => committedAt), 0),
        layers,
        aligned:
          found.every(({ layer }) => layers[layer] !== undefined) &&
          (curated === undefined || goWith(curated, standardized)),
        current: found
          .filter(({ layer, timeline }) => layers[layer] !== undefined && timeline.isAt(layers[layer]))
          .map(({ layer }) => layer),
        undoes: [
          ...new Set(
            found.flatMap(({ layer, timeline }) =>
              layers[layer] === undefined ? [] : timeline.undoesTo(layers[layer]),
            ),
          ),
        ],
      };
    })
    .filter(({ layers }) => Object.keys(layers).length > 0);
}

/** Whether Curated has the messages of all cycles that Standardized has. */
function goWith({ through }: HistorySnapshot, standardized: HistorySnapshot | undefined): boolean {
  return standardized?.cycleId === undefined || (through ?? '') >= standardized.cycleId;
}

/** The commits of cycles in a table's history. */
class Timeline {
  readonly #history: TableHistory;
  readonly #lineage: readonly HistorySnapshot[];
  /** The commits of the lineage, newest first; of two of one cycle the later. */
  readonly #own: readonly HistorySnapshot[];
  /** Those that are not part of it any more, or behind a gap that expiry has left; newest first. */
  readonly #others: readonly HistorySnapshot[];

  constructor(history: TableHistory) {
    this.#history = history;
    this.#lineage = lineageOf(history);
    const lineage = new Set(this.#lineage.map(({ id }) => id));
    const commits = this.#lineage.filter(({ cycleId }) => cycleId !== undefined);
    this.#own = commits.filter((one, index) => commits[index - 1]?.cycleId !== one.cycleId);
    this.#others = [...history.byId.values()]
      .filter(({ id, cycleId }) => cycleId !== undefined && !lineage.has(id))
      .sort((a, b) => b.sequence - a.sequence);
  }

  get cycles(): string[] {
    return [...this.#own, ...this.#others].flatMap(({ cycleId }) => cycleId ?? []);
  }

  /**
   * The snapshots at which the table is at a cycle, the best first: its own commit, one that was undone, and the one before it.
   * A commit of a cycle before it counts only where the commit that followed is known: behind a gap, others may have come in
   * between and have expired.
   */
  at(cycleId: string): HistorySnapshot[] {
    const own = this.#own.find((one) => (one.cycleId ?? '') <= cycleId);
    const others = this.#others.filter((one) => one.cycleId === cycleId);
    if (own === undefined) return others;
    return own.cycleId === cycleId ? [own, ...others] : [...others, own];
  }

  /** Whether the table holds what it held at a snapshot: since then, at the most, files were written anew. */
  isAt({ id }: HistorySnapshot): boolean {
    for (const one of this.#lineage) {
      if (one.id === id) return true;
      if (one.cycleId !== undefined || one.operation !== 'replace') return false;
    }
    return false;
  }

  undoesTo({ id }: HistorySnapshot): string[] {
    return [...this.#history.undoTags].flatMap(([operation, snapshot]) => (snapshot === id ? [operation] : []));
  }
}

/** Where a table is taken, from where, and what that changes. */
export interface TableMove {
  readonly layer: TopicLayer;
  readonly from: HistorySnapshot | undefined;
  readonly to: HistorySnapshot;
  /** The schema that becomes current with it; undefined where the current one stays. */
  readonly schemaId: number | undefined;
  /** The partitioning that becomes the default with it; undefined where the current one stays. */
  readonly specId: number | undefined;
  readonly columnsGone: readonly string[];
  readonly columnsBack: readonly string[];
}

/** The ids of the schema and of the partitioning that a table had before an operation; undefined where nobody has noted them. */
export interface TableBefore {
  readonly schemaId: number | undefined;
  readonly specId: number | undefined;
}

/** Whether a move is possible; `SCHEMA_CHANGED` where its rows could not be read any more. */
export type MoveResult = { readonly ok: true; readonly move: TableMove } | { readonly ok: false };

/**
 * The move of a table to one of its snapshots. Standardized gets the schema that it had then. So does Curated where the schema that
 * validated it is the active one; otherwise it keeps its columns, which the next cycle needs. Behind a rebuild under another schema
 * it is not moved so: its rows would be those that the other schema has made, and no cycle would make them anew.
 *
 * @param activeVersion the version of the schema that is active then; undefined where there is none
 * @param before what the table had before the operation that is undone
 */
export function moveOf(
  layer: TopicLayer,
  history: TableHistory,
  to: HistorySnapshot,
  activeVersion: number | undefined,
  before?: TableBefore,
): MoveResult {
  const passed = rebuildsBetween(history, to);
  if (before === undefined && layer === 'curated' && passed.some((one) => one.schemaVersion !== to.schemaVersion)) {
    return { ok: false };
  }
  const keeps = layer === 'curated' && to.schemaVersion !== activeVersion;
  const then = keeps ? undefined : (before?.schemaId ?? to.schemaId);
  const columns = (id: number | undefined): readonly HistoryColumn[] => history.schemas.get(id ?? -1) ?? [];
  const now = columns(history.currentSchemaId);
  const after = then === undefined ? now : columns(then);
  const written = columns(to.schemaId ?? history.currentSchemaId);
  if (!readsAs(written, after) || hiddenColumns(written, after).length > 0) return { ok: false };
  return {
    ok: true,
    move: {
      layer,
      from: history.byId.get(history.currentId ?? ''),
      to,
      schemaId: then,
      specId: before?.specId ?? passed.at(-1)?.specBefore,
      columnsGone: lacking(now, after),
      columnsBack: lacking(after, now),
    },
  };
}

/** The swaps of rebuilds that a move takes back, newest first. Maintenance may have repeated what a swap says in a later commit. */
function rebuildsBetween(history: TableHistory, to: HistorySnapshot): HistorySnapshot[] {
  const lineage = lineageOf(history);
  const place = lineage.findIndex(({ id }) => id === to.id);
  const kept = new Set(lineage.slice(place).map(({ rebuiltBy }) => rebuiltBy));
  return (place < 0 ? [] : lineage.slice(0, place)).filter(
    ({ rebuiltBy }) => rebuiltBy !== undefined && !kept.has(rebuiltBy),
  );
}

/**
 * The names of columns that the one list has and the other has not. A column that came and went has another id each time it came, and is
 * the same one to people.
 */
function lacking(some: readonly HistoryColumn[], others: readonly HistoryColumn[]): string[] {
  const ids = new Set(others.map(({ id }) => id));
  const alike = new Set(others.map(({ name, type }) => `${name} ${type}`));
  return some.flatMap(({ id, name, type }) => (ids.has(id) || alike.has(`${name} ${type}`) ? [] : [name])).sort();
}
