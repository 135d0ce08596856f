/** Plans of operations, and the states of topics, for people. */
import { rewindCommand } from '@lean-ops/common/core';
import type { CatchingUp } from '../operations/catching-up';
import {
  basisOf,
  basisText,
  commandOf,
  type HoldPlan,
  type ReleasePlan,
  type TopicPlan,
  type WorkPlan,
} from '../operations/plan';
import { needsSomebody, type TopicState } from '../operations/topic-states';
import type { Waiting } from '../operations/waiting';
import { timeText } from '../status/duration';
import { compactText } from './compaction';
import { shortArn } from './operations';
import { atText, drainText, holdLines, line, waitingLines } from './plan-lines';
import { renderTable, type Display } from './table';
import { counted, plain } from './text';

const DAY_MS = 24 * 3_600_000;

/** @param now epoch milliseconds */
export function planText(plan: TopicPlan, now: number): string {
  switch (plan.kind) {
    case 'hold':
      return holdText(plan, now);
    case 'release':
      return releaseText(plan, now);
    case 'compact':
      return compactText(plan, now);
    case 'rewind':
    case 'undo':
    case 'rebuild':
    case 'forget':
    case 'replay':
      return workText(plan, now);
  }
}

function holdText(plan: HoldPlan, now: number): string {
  const { topic, tableName, status, epoch, until, cycle, ddl, waiting, extended } = plan;
  if (extended !== undefined && until !== undefined) {
    return [
      `Plan: give the hold of ${topic} another end\n`,
      line('now', `${status ?? 'no status'}, epoch ${epoch}`),
      ...holdLines(extended, now),
      line('then', `as it is, until ${atText(until, now)}`),
      ...waitingLines(waiting, now),
      ...holdNotes(plan, now).map((note) => line('note', note)),
    ].join('');
  }
  return [
    `Plan: hold ${topic}\n`,
    line('now', `${status ?? 'no status'}, epoch ${epoch}`),
    line('then', `MAINTENANCE, epoch ${epoch + 1}${until === undefined ? '' : `, until ${atText(until, now)}`}`),
    line('stops', `cycles, table-provisioner and schema uploads leave ${tableName} alone, in both layers`),
    line('goes on', 'RAW and cycle_delta take its events, and other topics are as ever'),
    line('drained', drainText(cycle, ddl, now)),
    ...waitingLines(waiting, now),
    ...holdNotes(plan, now).map((note) => line('note', note)),
  ].join('');
}

/** What whoever holds a topic for long has to know. */
export function holdNotes({ until, keptDays }: Pick<HoldPlan, 'until' | 'keptDays'>, now: number): string[] {
  const keptUntil = now + keptDays * DAY_MS;
  const date = new Date(keptUntil).toISOString().slice(0, 10);
  if (until === undefined) return ['without --until no alarm says when it has been held for too long'];
  if (Date.parse(until) <= keptUntil) return [];
  return [
    `from ${date} on cycle_delta keeps the rows of all topics since the hold, as it drops whole cycles after ` +
      `${keptDays} days and none that a held topic has not taken: nothing is lost, and storage grows`,
  ];
}

function releaseText({ topic, status, epoch, hold, waiting, acceptGap }: ReleasePlan, now: number): string {
  return [
    `Plan: release ${topic}\n`,
    line('now', `${status ?? 'no status'}, epoch ${epoch}`),
    ...(hold === undefined ? [line('held', 'by hand, without an operation')] : holdLines(hold, now)),
    line('then', `${hold === undefined ? 'READY' : (hold.statusBefore ?? 'no status')}, epoch ${epoch}`),
    ...waitingLines(waiting, now),
    waiting.cycles.length === 0 ? line('waits', 'nothing that a cycle has noted') : '',
    acceptGap ? line('gap', 'rows of cycles before now that cycle_delta has lost stay missing; RAW has them') : '',
  ].join('');
}

function workText(plan: WorkPlan, now: number): string {
  const { kind, topic, tableName, status, epoch, held, hold, holdAfter, cycle, ddl, waiting, lines } = plan;
  const then = holdAfter
    ? `MAINTENANCE, epoch ${epoch + 1}, until somebody releases it`
    : `${status ?? 'no status'}, epoch ${epoch + 1}; the next cycle takes what has come`;
  return [
    `Plan: ${kind} ${topic}\n`,
    line('now', `${status ?? 'no status'}, epoch ${epoch}`),
    ...lines.map(([name, text]) => line(name, text)),
    ...(held
      ? [line('meanwhile', `held as it is, and afterwards too${hold === undefined ? ': by hand' : ''}`)]
      : [
          line('meanwhile', `MAINTENANCE, epoch ${epoch + 1}: cycles, table-provisioner and schema uploads leave`),
          line('', `${tableName} alone, in both layers; RAW and cycle_delta take its events`),
          line('then', then),
        ]),
    ...(hold === undefined ? [] : holdLines(hold, now)),
    line('drained', drainText(cycle, ddl, now)),
    ...waitingLines(waiting, now),
  ].join('');
}

/** How to apply exactly the plan that was shown. */
export function applyText(plan: TopicPlan): string {
  const until = plan.kind === 'hold' && plan.until !== undefined ? ` --until ${plan.until}` : '';
  const gap = plan.kind === 'release' && plan.acceptGap ? ' --accept-gap' : '';
  const words = 'words' in plan ? plan.words.join(' ') : plan.topic;
  return (
    `Nothing was changed. To do it:\n` +
    `  ${commandOf(plan)} ${words}${until}${gap} --plan ${basisText(basisOf(plan))} --apply --reason TEXT\n`
  );
}

/** What a released topic took. */
export function catchingUpText(topic: string, caughtUp: CatchingUp, display: Display): string {
  if (caughtUp.end === 'TIMEOUT') {
    return `No cycle has taken all that it missed yet. It is on its way: lean-ops topic status ${topic}\n`;
  }
  if (caughtUp.rows.length === 0) return 'It had missed nothing.\n';
  const columns = ['cycles', 'in', 'written', 'superseded', 'duplicates', 'rejected', 'parse errors'] as const;
  const table = renderTable(
    {
      columns: [
        { heading: 'layer', kind: 'text' },
        ...columns.map((heading) => ({ heading, kind: 'number' }) as const),
      ],
      rows: caughtUp.rows.map((row) => [
        row.layer,
        row.cycles,
        row.recordsIn,
        row.written,
        row.superseded,
        row.duplicates,
        row.rejected,
        row.parseErrors,
      ]),
    },
    display,
  );
  return `It has caught up, and took since its release:\n${table}`;
}

/** All topics of which there is anything to say. */
export function topicStatesText(states: readonly TopicState[], now: number, display: Display): string {
  if (states.length === 0) return 'No topic is held, and no operation is at work.\n';
  const table = renderTable(
    {
      columns: ['topic', 'state', 'since', 'until', 'by', 'why', 'waits'].map((heading) => ({ heading, kind: 'text' })),
      rows: states.map((state) => [
        state.topic,
        stateWord(state),
        state.hold === null ? null : timeText(Date.parse(state.hold.since), now),
        state.hold?.until === undefined ? null : timeText(Date.parse(state.hold.until), now),
        state.hold === null ? null : shortArn(state.hold.by),
        state.hold === null ? null : plain(state.hold.reason),
        waitsShort(state.waiting, now),
      ]),
    },
    display,
  );
  const wrong = states.filter(needsSomebody).length;
  return `${table}${wrong === 0 ? '' : `\n${counted(wrong, 'topic')} ${wrong === 1 ? 'needs' : 'need'} somebody: lean-ops topic status TOPIC\n`}`;
}

function stateWord({ status, held, altering, hold, overdue, operation, dead, waiting, proposal }: TopicState): string {
  const how = operation?.state === 'FAILED' ? 'failed' : dead ? 'dead' : 'at work';
  const at = operation === null ? '' : `, ${operation.kind} ${how}`;
  if (held) return `${hold === null ? `${status ?? ''} by hand` : overdue ? 'held, overdue' : 'held'}${at}`;
  if (altering) return `a schema alters its tables${at}`;
  if (proposal !== null) return `a rewind is proposed${at}`;
  if (waiting.cycles.length > 0) return `not caught up${at}`;
  return `not held${at}`;
}

function waitsShort({ cycles: [first], upload }: Waiting, now: number): string | null {
  const parts = [
    ...(first === undefined
      ? []
      : [first.since === '' ? 'events' : `events since ${timeText(Date.parse(first.since), now)}`]),
    ...(upload === undefined ? [] : ['a schema']),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

/** Everything about one topic. */
export function topicStateText(state: TopicState, now: number): string {
  const { topic, status, epoch, hold, operation, proposal, waiting, held } = state;
  const next = nextOf(state);
  return [
    `${topic}: ${stateWord(state)} (${status ?? 'no status'}, epoch ${epoch})\n`,
    ...(hold === null ? [] : holdLines(hold, now)),
    ...(proposal === null
      ? []
      : [
          line(
            'bad',
            `cycle ${proposal.cycleId} in ${proposal.layer}, since ${timeText(proposal.at, now)}: ${plain(proposal.why)}`,
          ),
          line('proposed', rewindCommand(proposal)),
        ]),
    ...waitingLines(waiting, now),
    held && waiting.cycles.length === 0 ? line('waits', 'nothing that a cycle has noted') : '',
    operation === null
      ? ''
      : line(
          state.dead ? 'dead' : 'at work',
          `${operation.operationId}, ${operation.state}${state.dead ? ', and nobody works on it' : ''}, last step ${operation.step}`,
        ),
    operation?.error === undefined ? '' : line('error', plain(operation.error)),
    next === undefined ? '' : `next: ${next}\n`,
  ].join('');
}

function nextOf({ topic, operation, held, status }: TopicState): string | undefined {
  if (operation !== null) return `lean-ops op show ${operation.operationId}`;
  if (held && status !== 'REBUILDING') return `lean-ops topic release ${topic}`;
  return undefined;
}
