/** What the life of `bench age` shows: its first cycles beside its last ones, and the bounds that it has to keep. */
import { median } from './median';

/** What one cycle cost, as age.py measures it. */
export interface LivedCycle {
  readonly cycle: number;
  /** Commits to RAW before it. */
  readonly commits: number;
  readonly seconds: number;
  /** CPU of Spark's JVM, of its Python workers and of the driver. */
  readonly cpu_seconds: number;
  /** Number of requests by operation, such as `s3:GET`. */
  readonly requests: Readonly<Record<string, number>>;
  /** What was read of the lake by its part, such as `curated/metadata`. */
  readonly reads: Readonly<Record<string, { readonly requests: number; readonly bytes: number }>>;
  /** Size of RAW's metadata file when the cycle was over. */
  readonly raw_metadata_bytes: number;
}

/** Counts of RAW, of the topic's table that has most, and of each table of `_ops`. */
type ByKind = Readonly<Record<string, number>>;

/** The answer of age.py. */
export interface Life {
  readonly cycles: readonly LivedCycle[];
  /** Seconds of all cycles, commits to RAW and maintenance. */
  readonly lived_seconds: number;
  /** Objects that were left as a killed run leaves them. */
  readonly orphans_left: number;
  readonly maintenance: {
    readonly runs: number;
    readonly seconds: readonly number[];
    /** How often a table was left to the next run for lack of time. */
    readonly waiting: number;
    readonly done: Readonly<Record<string, number>>;
  };
  readonly metadata_bytes: ByKind;
  readonly snapshots: ByKind;
  readonly files: ByKind;
  readonly objects: number;
  readonly unreferenced: number;
  readonly unreferenced_overdue: number;
}

/** The medians of the first and of the last cycles. */
export interface FirstAndLast {
  readonly first: number;
  readonly last: number;
}

/** The names are part of `pnpm bench age --json`. */
export interface AgeFindings {
  readonly cycle_seconds: FirstAndLast;
  readonly cpu_seconds: FirstAndLast;
  readonly bytes_read: FirstAndLast;
  readonly requests_per_topic: FirstAndLast;
  /** The medians of what was read, by part of the lake. */
  readonly parts: Readonly<Record<string, { readonly requests: FirstAndLast; readonly bytes: FirstAndLast }>>;
  readonly operations: Readonly<Record<string, FirstAndLast>>;
  /** RAW's at its largest; the others in the end. */
  readonly metadata_bytes: ByKind;
  /** In words, each bound that was broken. */
  readonly broken: readonly string[];
}

/** Cycles from one maintenance to the next. On AWS there are 96, and fewer let a short life have more days. */
export const CYCLES_A_DAY = 10;
/** The cycles of the first day are not compared: those of a new process are slow, and no maintenance has been yet. */
export const WARM_UP = CYCLES_A_DAY;
/** How many cycles `first` and `last` are the medians of: a day, as cycles read more the longer maintenance is ago. */
export const COMPARED = CYCLES_A_DAY;
/** The fewest cycles of a life whose first and last ones are apart. */
export const MIN_CYCLES = WARM_UP + 2 * COMPARED;

/** How many times as much the last cycles may cost. */
const MOST = { cycle_seconds: 1.15, bytes_read: 1.1, requests_per_topic: 1.1 } as const;
const MAX_RAW_METADATA_BYTES = 2 * 2 ** 20;

/**
 * @param life has at least MIN_CYCLES cycles
 * @param topics the number of topics that each cycle has rows of
 */
export function ageFindings(life: Life, topics: number): AgeFindings {
  const first = life.cycles.slice(WARM_UP, WARM_UP + COMPARED);
  const last = life.cycles.slice(-COMPARED);
  const compare = (value: (cycle: LivedCycle) => number): FirstAndLast => ({
    first: median(first.map(value)),
    last: median(last.map(value)),
  });
  const keys = (of: (cycle: LivedCycle) => object): string[] =>
    [...new Set([...first, ...last].flatMap((cycle) => Object.keys(of(cycle))))].sort();
  const parts = keys(({ reads }) => reads).map((part) => {
    const read = (what: 'requests' | 'bytes'): FirstAndLast => compare(({ reads }) => reads[part]?.[what] ?? 0);
    return [part, { requests: read('requests'), bytes: read('bytes') }] as const;
  });
  const operations = keys(({ requests }) => requests).map(
    (operation) => [operation, compare(({ requests }) => requests[operation] ?? 0)] as const,
  );
  const compared = {
    cycle_seconds: compare(({ seconds }) => seconds),
    bytes_read: compare(({ reads }) => sum(Object.values(reads).map(({ bytes }) => bytes))),
    requests_per_topic: compare(({ requests }) => sum(Object.values(requests)) / topics),
  };
  const raw = Math.max(...life.cycles.map(({ raw_metadata_bytes: bytes }) => bytes));
  return {
    ...compared,
    cpu_seconds: compare(({ cpu_seconds: seconds }) => seconds),
    parts: Object.fromEntries(parts),
    operations: Object.fromEntries(operations),
    metadata_bytes: { ...life.metadata_bytes, raw },
    broken: [...grown(compared), ...overstayed(raw, life.unreferenced_overdue)],
  };
}

function grown(compared: Readonly<Record<keyof typeof MOST, FirstAndLast>>): string[] {
  const names = Object.keys(MOST) as (keyof typeof MOST)[];
  return names.flatMap((name) => {
    const { first, last } = compared[name];
    if (last <= first * MOST[name]) return [];
    return [`${name}: the last cycles are at ${(last / first).toFixed(2)} times the first, above ${MOST[name]}`];
  });
}

function overstayed(rawMetadataBytes: number, overdue: number): string[] {
  return [
    ...(rawMetadataBytes > MAX_RAW_METADATA_BYTES
      ? [`metadata_bytes: RAW's came to ${rawMetadataBytes}, above ${MAX_RAW_METADATA_BYTES}`]
      : []),
    ...(overdue > 0 ? [`unreferenced_overdue: ${overdue} objects that no table names are past their bound`] : []),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
