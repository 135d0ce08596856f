/** The plans of `topic hold`, `topic release` and `topic compact`, as pure decisions: what would change, or why nothing can. */
import {
  ddlAtWork,
  epochOf,
  isHeld,
  mostGain,
  readHold,
  tableNameOf,
  type CycleLease,
  type Document,
  type Hold,
  type TopicName,
} from '@lean-ops/common/core';
import type { TopicSituation } from './situation';
import type { SizedTable } from './table-sizes';
import type { Waiting } from './waiting';

interface Planned {
  readonly topic: TopicName;
  readonly tableName: string;
  /** The topic's status now; undefined where it has none. */
  readonly status: string | undefined;
  /** The topic's epoch now. */
  readonly epoch: number;
}

export interface HoldPlan extends Planned {
  readonly kind: 'hold';
  /** ISO 8601 in UTC; undefined for a hold without an end. */
  readonly until: string | undefined;
  /** The cycle that has to end before the topic counts as held. */
  readonly cycle: CycleLease | undefined;
  /** Whether the tables are being altered for a schema, which has to end first, too. */
  readonly ddl: boolean;
  readonly waiting: Waiting;
  /** Days for which cycle_delta keeps the cycles that every topic has taken. */
  readonly keptDays: number;
  /** The hold that only gets another end; undefined for a hold of its own. */
  readonly extended: Hold | undefined;
}

export interface ReleasePlan extends Planned {
  readonly kind: 'release';
  /** Undefined where somebody set the status by hand. */
  readonly hold: Hold | undefined;
  readonly waiting: Waiting;
  /** Whether the topic goes on where cycle_delta has lost cycles that its Standardized table lacks. */
  readonly acceptGap: boolean;
}

export interface CompactPlan extends Planned {
  readonly kind: 'compact';
  /** Whether the topic is held already, and stays so. Otherwise the compaction holds it for itself, and gives it back. */
  readonly held: boolean;
  /** Undefined where the topic is not held, or somebody set its status by hand. */
  readonly hold: Hold | undefined;
  readonly cycle: CycleLease | undefined;
  readonly ddl: boolean;
  readonly waiting: Waiting;
  /** The topic's tables; at least one. */
  readonly tables: readonly SizedTable[];
}

/**
 * The plan of an operation that works on a topic's tables while it holds the topic: what is of its own kind stands in `details`,
 * `basis` and `lines`, which a file of that kind makes.
 */
export interface WorkPlan extends Planned {
  readonly kind: 'rewind' | 'undo' | 'rebuild' | 'forget' | 'replay';
  /** Whether the topic is held already, and stays so. */
  readonly held: boolean;
  readonly hold: Hold | undefined;
  readonly cycle: CycleLease | undefined;
  readonly ddl: boolean;
  readonly waiting: Waiting;
  /** Whether the topic stays held by this operation when it is done. */
  readonly holdAfter: boolean;
  /** The words after the command (see commandOf) that make this plan again: the topic, or what else it is about, and options. */
  readonly words: readonly string[];
  /** What the operation's item keeps as its plan, beside what all plans have. */
  readonly details: Document;
  /** What else must still be so when the plan is applied; each value is a word. */
  readonly basis: PlanBasis;
  /** What it does, for people: a name of at most nine letters, and a text. */
  readonly lines: readonly (readonly [name: string, text: string])[];
  /** A text that the operation's job reads, which is put there when it is asked for. */
  readonly text?: { readonly bucket: string; readonly key: string; readonly body: string };
  /** Makes the item that the operation's job reads beside the operation's own, and that stays on no record. */
  readonly besides?: (operationId: string) => Document;
}

export type TopicPlan = HoldPlan | ReleasePlan | CompactPlan | WorkPlan;

/** Why there is no plan, by a code that docs/operations.md explains. */
export interface Refusal {
  readonly code:
    | 'UNKNOWN_TOPIC'
    | 'ALREADY_HELD'
    | 'NOT_HELD'
    | 'HELD_OTHERWISE'
    | 'TOPIC_COLLISION'
    | 'NO_TABLES'
    | 'SCHEMA_REFUSED'
    | 'TOPIC_BUSY'
    | 'PLAN_STALE'
    | 'OPERATION_ENDED'
    | 'OPERATION_RUNS'
    | 'LOCK_LOST'
    | 'BEYOND_RETENTION'
    | 'DELTA_GONE'
    | 'NO_ALIGNED_POINT'
    | 'NOTHING_TO_REBUILD'
    | 'NOTHING_TO_REWIND'
    | 'NOTHING_TO_REPLAY'
    | 'SCHEMA_CHANGED'
    | 'UNDO_GONE'
    | 'UNDO_OVERTAKEN'
    | 'SWAPPING'
    | 'KEY_IN_REASON';
  /** A whole sentence. */
  readonly message: string;
  /** The command to go on with. */
  readonly next?: string;
}

export type PlanResult<P> = { readonly ok: true; readonly plan: P } | { readonly ok: false; readonly refusal: Refusal };

/**
 * @param until ISO 8601 in UTC
 * @param keptDays days for which cycle_delta keeps the cycles that every topic has taken
 */
export function planHold(situation: TopicSituation, until: string | undefined, keptDays: number): PlanResult<HoldPlan> {
  const { topic, item, cycle, now, waiting } = situation;
  const refusal = unknownOrBusy(situation);
  if (refusal !== undefined) return { ok: false, refusal };
  const hold = readHold(item);
  if (hold !== undefined && until === undefined) {
    return refused(
      'ALREADY_HELD',
      `${topic} is held ${heldText(hold)}`,
      `lean-ops topic status ${topic}; for another end of the hold: lean-ops topic hold ${topic} --until TIME`,
    );
  }
  if (item?.['status'] === 'REBUILDING') return refused('HELD_OTHERWISE', `${topic} is being rebuilt`);
  return {
    ok: true,
    plan: {
      kind: 'hold',
      ...planned(situation),
      until,
      cycle,
      ddl: ddlAtWork(item, now),
      waiting,
      keptDays,
      extended: hold,
    },
  };
}

/** @param acceptGap whether the topic goes on where cycle_delta has lost cycles that its Standardized table lacks */
export function planRelease(situation: TopicSituation, acceptGap: boolean): PlanResult<ReleasePlan> {
  const { topic, item, waiting } = situation;
  const busy = busyWith(situation);
  if (busy !== undefined) return { ok: false, refusal: busy };
  if (item?.['status'] === 'REBUILDING') return refused('HELD_OTHERWISE', `${topic} is being rebuilt`);
  if (!isHeld(item)) return refused('NOT_HELD', `${topic} is not held`, `lean-ops topic status ${topic}`);
  return { ok: true, plan: { kind: 'release', ...planned(situation), hold: readHold(item), waiting, acceptGap } };
}

/** A topic that is held is compacted as it is, and stays held. */
export function planCompact(situation: TopicSituation, tables: readonly SizedTable[]): PlanResult<CompactPlan> {
  const { topic, item, cycle, now, waiting } = situation;
  const refusal = unknownOrBusy(situation);
  if (refusal !== undefined) return { ok: false, refusal };
  if (item?.['status'] === 'REBUILDING') return refused('HELD_OTHERWISE', `${topic} is being rebuilt`);
  if (tables.length === 0) return refused('NO_TABLES', `${topic} has no table yet`);
  const ddl = ddlAtWork(item, now);
  const held = { held: isHeld(item), hold: readHold(item) };
  return {
    ok: true,
    plan: { kind: 'compact', ...planned(situation), ...held, cycle, ddl, waiting, tables },
  };
}

/** What the plans of all work on tables have in common, or why no work can begin. */
export function planWork(
  situation: TopicSituation,
  kind: WorkPlan['kind'],
): PlanResult<Omit<WorkPlan, 'holdAfter' | 'words' | 'details' | 'basis' | 'lines' | 'text'>> {
  const { topic, item, cycle, now, waiting } = situation;
  const refusal = unknownOrBusy(situation);
  if (refusal !== undefined) return { ok: false, refusal };
  if (item?.['status'] === 'REBUILDING') return refused('HELD_OTHERWISE', `${topic} is being rebuilt`);
  const ddl = ddlAtWork(item, now);
  const held = { held: isHeld(item), hold: readHold(item) };
  return { ok: true, plan: { kind, ...planned(situation), ...held, cycle, ddl, waiting } };
}

/** In files, the most that compacting these tables can spare whoever reads them. Tables of unknown size count as nothing. */
export function gainOf(tables: readonly SizedTable[]): number {
  return tables.reduce((sum, { size }) => sum + (size === undefined ? 0 : mostGain(size)), 0);
}

/** Why there is nothing that could be held or compacted, or nobody may begin with it now. */
function unknownOrBusy(situation: TopicSituation): Refusal | undefined {
  const { topic, known, owner } = situation;
  if (!known) {
    const message = `no event and no schema of a topic ${topic} was ever seen, so its name may be misspelt`;
    return { code: 'UNKNOWN_TOPIC', message };
  }
  if (owner !== undefined && owner !== topic) {
    const message = `the table ${tableNameOf(topic)} belongs to the topic ${owner}, so ${topic} has none that could be held`;
    return { code: 'TOPIC_COLLISION', message };
  }
  return busyWith(situation);
}

function planned({ topic, item }: TopicSituation): Planned {
  const status = item?.['status'];
  const table = item?.['table_name'];
  return {
    topic,
    tableName: typeof table === 'string' ? table : tableNameOf(topic),
    status: typeof status === 'string' ? status : undefined,
    epoch: epochOf(item),
  };
}

/** Only one operation is at work on a topic at a time. */
export function busyWith({
  topic,
  lock,
  holder,
}: Pick<TopicSituation, 'topic' | 'lock' | 'holder'>): Refusal | undefined {
  if (lock === undefined) return undefined;
  const what = holder === undefined ? '' : `, requested by ${holder.requestedBy} for this reason: ${holder.reason}`;
  const failed = holder?.state === 'FAILED' ? ', which failed and has to be resumed or cancelled first' : '';
  return {
    code: 'TOPIC_BUSY',
    message: `${lock.holder} has had ${topic} since ${lock.since}${failed}${what}`,
    next: `lean-ops op show ${lock.holder}`,
  };
}

/** By whom a topic is held, since when and why. */
export function heldText({ by, since, reason, operationId }: Hold): string {
  return `by ${by} since ${since} (${operationId}): ${reason}`;
}

export function refused(code: Refusal['code'], message: string, next?: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code, message, ...(next !== undefined && { next }) } };
}

/** The state of a topic that a plan rests on, by name: when any of it changes, the plan is stale. */
export type PlanBasis = Readonly<Record<string, string>>;

export function basisOf(plan: TopicPlan): PlanBasis {
  return {
    epoch: String(plan.epoch),
    status: plan.status ?? 'none',
    ...(plan.kind !== 'hold' && { hold: plan.hold?.operationId ?? 'none' }),
    ...(plan.kind === 'hold' && plan.extended !== undefined && { hold: plan.extended.operationId }),
    ...('basis' in plan && plan.basis),
  };
}

/** A basis as a word of a command line: `epoch=3,status=READY`. */
export function basisText(basis: PlanBasis): string {
  return Object.entries(basis)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** Reads what `basisText` wrote; undefined for any other text. */
export function parseBasis(text: string): PlanBasis | undefined {
  const entries = text.split(',').map((entry) => /^([a-z_]+)=([\w:.-]+)$/.exec(entry));
  if (entries.some((entry) => entry === null)) return undefined;
  return Object.fromEntries(entries.map((entry) => [entry?.[1] ?? '', entry?.[2] ?? '']));
}

/** What has changed since a plan was shown; undefined when nothing has. */
export function staleness(shown: PlanBasis, plan: TopicPlan): Refusal | undefined {
  const now = basisOf(plan);
  const names = [...new Set([...Object.keys(now), ...Object.keys(shown)])];
  const changes = names
    .filter((name) => now[name] !== shown[name])
    .map((name) => `its ${name} was ${shown[name] ?? 'not in the plan'} and is ${now[name] ?? 'not in this plan'}`);
  if (changes.length === 0) return undefined;
  return {
    code: 'PLAN_STALE',
    message: `${plan.topic} has changed since the plan was made: ${changes.join(', ')}`,
    next: `${commandOf(plan)} ${'words' in plan ? plan.words.join(' ') : plan.topic}`,
  };
}

/** The command that makes such a plan. */
export function commandOf({ kind }: Pick<TopicPlan, 'kind'>): string {
  return `lean-ops ${kind === 'replay' ? 'errors' : 'topic'} ${kind}`;
}

/** A plan as the operation keeps it. */
export function planDocument(plan: TopicPlan): Document {
  const { topic, tableName, status, epoch, waiting } = plan;
  const [first] = waiting.cycles;
  return {
    topic,
    table_name: tableName,
    epoch,
    ...(status !== undefined && { status }),
    ...(plan.kind === 'hold' && plan.until !== undefined && { until: plan.until }),
    ...(plan.kind === 'hold' && plan.extended !== undefined && { extends: plan.extended.operationId }),
    ...(plan.kind !== 'release' && plan.cycle !== undefined && { running_cycle: plan.cycle.cycleId }),
    ...(plan.kind !== 'hold' && plan.hold !== undefined && { hold: plan.hold.operationId }),
    ...(plan.kind === 'release' && plan.acceptGap && { accept_gap: true }),
    ...(plan.kind === 'compact' && {
      held: plan.held,
      gain_at_most: gainOf(plan.tables),
      tables: plan.tables.map(tableDocument),
    }),
    ...('details' in plan && { held: plan.held, ...(plan.holdAfter && { hold_after: true }), ...plan.details }),
    ...(first !== undefined && { first_cycle_not_taken: first.cycleId }),
    ...(waiting.upload !== undefined && { waiting_upload: waiting.upload.etag }),
  };
}

function tableDocument({ layer, size }: SizedTable): Document {
  if (size === undefined) return { layer };
  const { files, bytes, deleteFiles, snapshots } = size;
  return { layer, files, bytes, delete_files: deleteFiles, snapshots };
}
