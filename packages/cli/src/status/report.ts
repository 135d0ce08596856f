import type { FiringAlarm } from '@lean-ops/common/aws';
import {
  rewindCommand,
  type BehindTopic,
  type HeldTopic,
  type LateTopic,
  type ReleasedTopic,
} from '@lean-ops/common/core';
import { totalOf } from '../dead-letters/count-by-reason';
import type { CountedLetters } from '../dead-letters/read-letters';
import { isWrong, type SchemaState } from '../schemas/schema-state';
import { durationText, sinceText, timeText } from './duration';
import type { Reading } from './reading';
import type { Cycle, IngestQueue, ParseErrorCount, Readings, TopicProgress } from './readings';

/** Lines below a finding, as a table. */
export interface Details {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Something that is wrong, or that is worth knowing. */
export interface Finding {
  readonly area: Area;
  readonly text: string;
  /** Why, whole however long: a cause that is cut short sends its reader to another command. */
  readonly causes: readonly string[];
  readonly details: Details | undefined;
  /** The runbook or the command to go on with. */
  readonly next: string | undefined;
}

export const AREAS = ['alarms', 'cycles', 'topics', 'dead letters', 'parse errors', 'schemas', 'ingest'] as const;
export type Area = (typeof AREAS)[number];

export interface StatusReport {
  /** ISO 8601. */
  readonly at: string;
  readonly pipeline: string;
  readonly region: string;
  readonly problems: readonly Finding[];
  /** What nobody has to act on at once. */
  readonly notes: readonly Finding[];
  /** Parts that could not be read, each with the reason. */
  readonly unread: readonly { readonly area: Area; readonly problem: string }[];
  /** One line for each area in which nothing is wrong. */
  readonly well: readonly { readonly area: Area; readonly text: string }[];
}

/** What one part adds to the report. */
interface Part {
  readonly problems?: readonly Finding[];
  readonly notes?: readonly Finding[];
  readonly well?: string | undefined;
}

/** Messages are taken from the queue within seconds. When one waits for longer than this, something is in the way. */
const LONG_WAIT_SECONDS = 300;
/** The most lines of one finding; the rest is counted. */
const MAX_ROWS = 10;
/** The most different causes of one finding, and the topics that each names. */
const MAX_CAUSES = 3;
const MAX_NAMED = 3;

/** Says of what was read what is wrong, worst first, what is worth knowing, and what is well. */
export function reportOf(readings: Readings): StatusReport {
  const { now, namePrefix, region } = readings;
  const parts: readonly [Area, Reading<Part>][] = [
    ['alarms', partOf(readings.alarms, (alarms) => alarmsPart(alarms, readings))],
    ['cycles', partOf(readings.cycles, (cycles) => cyclesPart(cycles, now))],
    ['topics', partOf(readings.progress, (progress) => topicsPart(progress, readings))],
    ['schemas', partOf(readings.schemas, (schemas) => schemasPart(schemas, now))],
    ['dead letters', partOf(readings.letters, lettersPart)],
    ['parse errors', partOf(readings.parseErrors, parseErrorsPart)],
    ['ingest', partOf(readings.ingest, ingestPart)],
  ];
  return {
    at: new Date(now).toISOString(),
    pipeline: namePrefix,
    region,
    problems: parts.flatMap(([, part]) => (part.ok ? (part.value.problems ?? []) : [])),
    notes: parts.flatMap(([, part]) => (part.ok ? (part.value.notes ?? []) : [])),
    unread: parts.flatMap(([area, part]) => (part.ok ? [] : [{ area, problem: part.problem }])),
    well: parts.flatMap(([area, part]) =>
      part.ok && part.value.well !== undefined ? [{ area, text: part.value.well }] : [],
    ),
  };
}

function partOf<T>(reading: Reading<T>, part: (value: T) => Part): Reading<Part> {
  return reading.ok ? { ok: true, value: part(reading.value) } : reading;
}

function finding(area: Area, text: string, next?: string, details?: Details, causes: readonly string[] = []): Finding {
  return { area, text, causes, details, next };
}

/** Each cause once, with the topics that it is about: the causes of the first topics come first. */
function causesOf(all: readonly { readonly topic: string; readonly cause: string }[]): string[] {
  const topics = new Map<string, string[]>();
  for (const { topic, cause } of all) topics.set(cause, [...(topics.get(cause) ?? []), topic]);
  return [...topics].slice(0, MAX_CAUSES).map(([cause, of]) => {
    const more = of.length - MAX_NAMED;
    return `${of.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${cause}`;
  });
}

/** The first rows, and a last one that counts the others. */
function bounded<T>(headings: readonly string[], all: readonly T[], row: (one: T) => (string | number)[]): Details {
  const rows = all.slice(0, MAX_ROWS).map(row);
  const more = all.length - rows.length;
  return { headings, rows: more === 0 ? rows : [...rows, [`and ${more} more`, ...headings.slice(1).map(() => '')]] };
}

function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function runbook(page: string): string {
  return `docs/runbooks/${page}.md`;
}

function alarmsPart(alarms: readonly FiringAlarm[], { namePrefix, now }: Readings): Part {
  if (alarms.length === 0) return { well: 'none has gone off' };
  const oldestFirst = [...alarms].sort((a, b) => (a.since ?? 0) - (b.since ?? 0));
  const details = bounded(['alarm', 'since', 'see'], oldestFirst, ({ name, since, description }) => [
    name.startsWith(`${namePrefix}-`) ? name.slice(namePrefix.length + 1) : name,
    since === undefined ? '' : `${timeText(since, now)} (${durationText(now - since)})`,
    /Runbook: (?<page>\S+?)\.?$/.exec(description)?.groups?.['page'] ?? runbook('README'),
  ]);
  const have = alarms.length === 1 ? 'has' : 'have';
  return { problems: [finding('alarms', `${counted(alarms.length, 'alarm')} ${have} gone off`, undefined, details)] };
}

function cyclesPart(cycles: readonly Cycle[], now: number): Part {
  const ended = cycles.filter(({ endedAt }) => endedAt !== undefined);
  const good = ended.findIndex(({ status }) => status === 'SUCCEEDED');
  const failed = good === -1 ? ended : ended.slice(0, good);
  const [last] = failed;
  const list: Details = {
    headings: ['cycle', 'took', 'result'],
    rows: cycles.map(({ startedAt, endedAt, status }) => [
      timeText(startedAt, now),
      durationText((endedAt ?? now) - startedAt),
      status,
    ]),
  };
  if (last !== undefined) {
    const text = failed.length === 1 ? 'The last cycle failed' : `The last ${failed.length} cycles failed`;
    return {
      problems: [finding('cycles', text, runbook('cycle-failed'), list, last.cause === undefined ? [] : [last.cause])],
    };
  }
  const [newest] = cycles;
  if (newest === undefined) return { well: 'none has run yet' };
  const span = durationText((newest.endedAt ?? now) - newest.startedAt);
  const begun = timeText(newest.startedAt, now);
  const text =
    newest.endedAt === undefined ? `one runs since ${begun} (${span})` : `the last one began ${begun} and took ${span}`;
  const before = cycles.filter(({ cause }) => cause !== undefined).length;
  if (before === 0) return { well: text };
  const note = `${counted(before, 'cycle')} of the last ${cycles.length} failed, and the last one succeeded`;
  return { well: text, notes: [finding('cycles', note, runbook('cycle-failed'), list)] };
}

function topicsPart(progress: TopicProgress, { now, defaultTargetMinutes }: Readings): Part {
  const { freshness, held, proposals, topics, unbalanced } = progress;
  const problems: Finding[] = [];
  const { behind, late, waiting } = freshness;
  const byThemselves = new Set(behind.map(({ topic, layer }) => `${topic} ${layer}`));
  const byRaw = late.filter(({ topic, layer }) => !byThemselves.has(`${topic} ${layer}`));
  if (behind.length > 0) problems.push(behindFinding(behind, late, now));
  for (const { layer, since, records } of waiting) {
    const affected = byRaw.filter((one) => one.layer === layer);
    if (affected.length === 0) continue;
    const text =
      `${grouped(records)} rows of RAW wait for ${layerName(layer)} ${sinceText(since, now)}: ` +
      `${affected.length === topics ? 'every topic' : counted(affected.length, 'topic')} may be late`;
    problems.push(finding('topics', text, runbook('topics-late')));
  }
  if (unbalanced.length > 0) {
    const details = bounded(['topic', 'layer', 'found', 'what'], unbalanced, ({ topic, layer, at, error }) => [
      topic,
      layerName(layer),
      timeText(at, now),
      error.replace(/^LEDGER_UNBALANCED: /, ''),
    ]);
    const text = `${counted(unbalanced.length, 'topic')} ${unbalanced.length === 1 ? 'was' : 'were'} found unbalanced`;
    problems.push(finding('topics', text, runbook('cycle-failed'), details));
  }
  if (proposals.length > 0) {
    const details = bounded(['topic', 'layer', 'bad since', 'back to', 'what'], proposals, (one) => [
      one.topic,
      layerName(one.layer),
      timeText(one.at, now),
      one.toCycle,
      one.why.replace(/^LEDGER_UNBALANCED: /, ''),
    ]);
    const text = `a rewind is proposed for ${counted(proposals.length, 'topic')}`;
    const [first] = proposals;
    const next =
      first !== undefined && proposals.length === 1 ? rewindCommand(first) : 'lean-ops topic rewind TOPIC --to CYCLE';
    problems.push(finding('topics', text, next, details));
  }
  const overdue = held.filter((one) => isOverdue(one, now));
  if (overdue.length > 0) problems.push(heldFinding(overdue, 'held for longer than was said', now));
  const inTime = held.filter((one) => !isOverdue(one, now));
  const notes = [
    ...(inTime.length === 0 ? [] : [heldFinding(inTime, 'held by an operator', now)]),
    ...(freshness.released.length === 0 ? [] : [releasedFinding(freshness.released, now)]),
  ];
  const oldest = Math.floor(freshness.oldestMinutes);
  const fresh = oldest === 0 ? 'all fresh' : `at most ${oldest} min behind`;
  const well = `${counted(topics, 'topic')}, ${fresh} (target ${defaultTargetMinutes} min)`;
  return { problems, notes, well: problems.length === 0 ? well : undefined };
}

function behindFinding(behind: readonly BehindTopic[], late: readonly LateTopic[], now: number): Finding {
  const past = new Set(late.map(({ topic }) => topic));
  const topics = new Set(behind.map(({ topic }) => topic));
  const lateOnes = [...topics].filter((topic) => past.has(topic)).length;
  const oldestFirst = [...behind].sort((a, b) => a.since - b.since);
  const details = bounded(['topic', 'layer', 'behind since'], oldestFirst, (one) => [
    one.topic,
    layerName(one.layer),
    `${timeText(one.since, now)} (${durationText(now - one.since)})`,
  ]);
  const causes = causesOf(oldestFirst.map(({ topic, error }) => ({ topic, cause: error })));
  const text =
    `${counted(topics.size, 'topic')} failed and ${topics.size === 1 ? 'is' : 'are'} behind` +
    (lateOnes === 0
      ? ''
      : `, ${lateOnes === topics.size ? (lateOnes === 1 ? 'past its target' : 'all past their targets') : `${lateOnes} past the target`}`);
  return finding('topics', text, runbook('cycle-failed'), details, causes);
}

function isOverdue({ hold }: HeldTopic, now: number): boolean {
  return Date.parse(hold?.until ?? '') < now;
}

function heldFinding(held: readonly HeldTopic[], how: string, now: number): Finding {
  const time = (text: string | undefined): string => timeText(Date.parse(text ?? ''), now);
  const details = bounded(['topic', 'status', 'since', 'until', 'by', 'reason'], held, ({ topic, status, hold }) => [
    topic,
    status,
    time(hold?.since),
    time(hold?.until),
    hold?.by.split('/').at(-1) ?? '',
    hold?.reason ?? '',
  ]);
  const text = `${counted(held.length, 'topic')} ${held.length === 1 ? 'is' : 'are'} ${how}`;
  return finding('topics', text, 'lean-ops topic status', details);
}

function releasedFinding(released: readonly ReleasedTopic[], now: number): Finding {
  const topics = new Set(released.map(({ topic }) => topic)).size;
  const details = bounded(['topic', 'layer', 'behind since'], released, ({ topic, layer, since }) => [
    topic,
    layerName(layer),
    `${timeText(since, now)} (${durationText(now - since)})`,
  ]);
  const text = `${counted(topics, 'topic')} ${topics === 1 ? 'was' : 'were'} released, and the next cycle takes what waits`;
  return finding('topics', text, undefined, details);
}

function layerName(layer: 'standardized' | 'curated'): string {
  return layer === 'curated' ? 'Curated' : 'Standardized';
}

function schemasPart(schemas: readonly SchemaState[], now: number): Part {
  const wrong = schemas.filter(isWrong);
  const pending = schemas.filter(({ state }) => state === 'PENDING').length;
  const governed = schemas.filter(({ active }) => active !== null).length;
  const waits = pending === 0 ? '' : `, ${pending} waiting for a verdict`;
  if (wrong.length === 0) return { well: `${governed} in force${waits}` };
  const details = bounded(['topic', 'state', 'since'], wrong, ({ topic, state, failed, pending: upload }) => {
    const since = state === 'FAILED' ? failed?.since : upload?.since;
    return [topic, state, since ? timeText(Date.parse(since), now) : ''];
  });
  const causes = causesOf(
    wrong.flatMap(({ topic, state, failed }) =>
      state === 'FAILED' && failed !== null ? [{ topic, cause: `${failed.code}: ${failed.message}` }] : [],
    ),
  );
  const stuck = wrong.some(({ state }) => state === 'STUCK');
  const text = `${counted(wrong.length, 'schema')} ${stuck ? 'failed or stuck' : wrong.length === 1 ? 'was refused' : 'were refused'}`;
  const next = stuck ? runbook('failed-schema-uploads') : 'lean-ops schema status TOPIC (docs/schema-workflow.md)';
  return { problems: [finding('schemas', text, next, details, causes)] };
}

function lettersPart({ reasons, more }: CountedLetters): Part {
  const open = reasons.filter(({ count }) => count > 0);
  const resent = reasons.reduce((sum, one) => sum + one.resent, 0);
  const again = resent === 0 ? '' : `, ${grouped(resent)} sent again`;
  if (open.length === 0) return { well: `none in the last day${again}` };
  const details = bounded(['reason', 'count', 'meaning'], open, ({ code, count, meaning }) => [code, count, meaning]);
  const text = `${more ? 'more than ' : ''}${counted(totalOf(open), 'dead letter')} in the last day${again}`;
  return { problems: [finding('dead letters', text, 'lean-ops dlq list', details)] };
}

function parseErrorsPart(errors: readonly ParseErrorCount[]): Part {
  if (errors.length === 0) return { well: 'none in the last day' };
  const total = errors.reduce((sum, { count }) => sum + count, 0);
  const details = bounded(['reason', 'count', 'topics'], errors, ({ code, count, topics }) => [code, count, topics]);
  const text = `${counted(total, 'message')} could not become ${total === 1 ? 'a row' : 'rows'} of Standardized in the last day`;
  return { notes: [finding('parse errors', text, 'lean-ops errors top', details)] };
}

function ingestPart({ waiting, inFlight, oldestSeconds }: IngestQueue): Part {
  const age =
    oldestSeconds === undefined || oldestSeconds === 0 ? '' : `, the oldest for ${durationText(oldestSeconds * 1_000)}`;
  const messages = waiting + inFlight;
  if (messages === 0) return { well: 'no message waits' };
  const count = counted(messages, 'message');
  if (oldestSeconds === undefined || oldestSeconds <= LONG_WAIT_SECONDS) return { well: `${count} in the queue${age}` };
  const text = `${count} ${messages === 1 ? 'waits' : 'wait'} in the ingest queue${age}`;
  return { notes: [finding('ingest', text, runbook('ingest-age'))] };
}
