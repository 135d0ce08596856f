/** Operations for people: the list of them, and one with how to go on. */
import { buildProgressOf, isObject, type Operation } from '@lean-ops/common/core';
import { isStuck, type ListedOperation } from '../operations/list-operations';
import type { Refusal } from '../operations/plan';
import { durationText, timeText } from '../status/duration';
import { renderTable, type Display } from './table';
import { counted, plain, sizeText } from './text';

const minutes = (time: string | undefined): string =>
  time === undefined ? '?' : `${time.slice(0, 16).replace('T', ' ')} UTC`;

/** `20261130T062500Z-hold-ab12cd: …`, and what to do next. */
export function refusalText({ code, message, next }: Refusal): string {
  return `${code}: ${plain(message)}.\n${next === undefined ? '' : `next: ${next}\n`}`;
}

export function operationListText(operations: readonly ListedOperation[], now: number, display: Display): string {
  if (operations.length === 0) return 'No operations.\n';
  const table = renderTable(
    {
      columns: [
        // An id is copied into the next command, so it stays whole.
        { heading: 'operation', kind: 'number' },
        { heading: 'state', kind: 'number' },
        ...['topic', 'step', 'requested', 'by', 'reason'].map((heading) => ({ heading, kind: 'text' }) as const),
      ],
      rows: operations.map((one) => [
        one.operationId,
        one.dead ? `${one.state}, dead` : one.state,
        one.topic,
        one.step,
        timeText(Date.parse(one.requestedAt), now),
        shortArn(one.requestedBy),
        plain(one.reason),
      ]),
    },
    display,
  );
  const stuck = operations.filter(isStuck);
  const next =
    stuck.length === 0
      ? ''
      : `\n${counted(stuck.length, 'operation')} ${stuck.length === 1 ? 'needs' : 'need'} somebody. See it by lean-ops op show ` +
        `${stuck[0]?.operationId ?? ''}, then op resume or op cancel.\n`;
  return `${table}${next}`;
}

/** The end of an ARN that names the user, or the session of a role. */
export function shortArn(arn: string): string {
  return plain(arn.replace(/^arn:[\w-]+:(?:iam|sts)::\d*:/, ''));
}

/** Everything about one operation. */
export function operationText(operation: ListedOperation, now: number): string {
  const { operationId, kind, topic, state, step, plan, counts, error, endedAt, executionArn } = operation;
  const until = endedAt === undefined ? now : Date.parse(endedAt);
  const took = durationText(until - Date.parse(operation.requestedAt));
  const line = (name: string, value: string): string => `  ${name.padEnd(10)} ${value}\n`;
  return [
    `${operationId}: ${kind} of ${topic}, ${state}${operation.dead ? ', and nobody works on it' : ''}\n`,
    line('step', `${step} (${STEPS[step]})`),
    line('requested', `${minutes(operation.requestedAt)} by ${plain(operation.requestedBy)}`),
    line('reason', plain(operation.reason)),
    operation.until === undefined ? '' : line('until', minutes(operation.until)),
    endedAt === undefined ? line('running', `for ${took}`) : line('ended', `${minutes(endedAt)}, after ${took}`),
    error === undefined ? '' : line('error', plain(error)),
    line('plan', plain(JSON.stringify(plan))),
    Object.keys(counts).length === 0 ? '' : line('counts', plain(JSON.stringify(counts))),
    executionArn === undefined ? '' : line('execution', plain(executionArn)),
    isStuck(operation)
      ? `To go on from there: lean-ops op resume ${operationId}\n` +
        `To take it back:     lean-ops op cancel ${operationId}\n`
      : '',
  ].join('');
}

const STEPS: Readonly<Record<Operation['step'], string>> = {
  REQUESTED: 'nothing has changed yet',
  BUILDING: 'it is built beside the tables that people read',
  BUILT: 'it is built, and nothing that people read has changed',
  BEGUN: 'the registry has it',
  DRAINED: 'no cycle that began before is at work',
  APPLIED: 'the tables have it',
  ENDED: 'the registry and the lock are as they stay',
};

/** What the job does with the tables. */
const WORK: Readonly<Record<Operation['kind'], string>> = {
  hold: 'fencing',
  release: 'looking at',
  compact: 'compacting',
  rewind: 'rewinding',
  undo: 'putting back',
  rebuild: 'swapping',
  forget: 'erasing in',
  replay: 'bringing recorded errors into',
};

/** What a step of an operation that somebody watches means, in one line. */
export function stepText(operation: Operation): string {
  const time = operation.updatedAt.slice(11, 19);
  return `${time}  ${whatIsDone(operation)}\n`;
}

function whatIsDone(operation: Operation): string {
  const { operationId, kind, topic, state, step, plan, counts } = operation;
  switch (state) {
    case 'DONE':
      return doneText(operation);
    case 'FAILED':
      return `${operationId} failed`;
    case 'CANCELLED':
      return `${operationId} is cancelled`;
    case 'RUNNING':
  }
  switch (step) {
    case 'REQUESTED':
      return `${operationId} is requested`;
    case 'BUILDING':
      return buildingText(operation);
    case 'BUILT':
      return `built; nothing that people read has changed`;
    case 'BEGUN': {
      const cycle = plan['running_cycle'];
      if (kind === 'release') return 'begun';
      return `no new cycle takes ${topic}${typeof cycle === 'string' ? `; waiting for cycle ${cycle} to end` : ''}`;
    }
    case 'DRAINED':
      if (kind === 'release') return 'looking at the tables';
      return `no cycle that began before is at work; ${WORK[kind]} the tables`;
    case 'APPLIED': {
      if (kind === 'compact') return compactedText(counts);
      if (kind === 'forget') return forgottenText(counts);
      if (kind === 'replay') return replayedText(counts);
      const { cycles_waiting: cycles, messages_waiting: messages } = counts;
      if (kind === 'rewind' || kind === 'undo') return movedText(counts);
      if (kind !== 'release' || typeof cycles !== 'number' || typeof messages !== 'number')
        return 'the tables are done';
      return cycles === 0
        ? 'Standardized has missed nothing'
        : `the next cycle takes ${counted(messages, 'message')} of ${counted(cycles, 'cycle')} into Standardized`;
    }
    case 'ENDED':
      return 'ended';
  }
}

/** How far a rebuild has come, and by that how long it still takes. */
function buildingText(operation: Operation): string {
  const progress = buildProgressOf(operation);
  if (progress === undefined) return 'building beside the tables that people read';
  const { rowsDone, rowsTotal } = progress;
  const passed = Date.parse(operation.updatedAt) - Date.parse(operation.requestedAt);
  const left = rowsDone === 0 ? '' : `, about ${durationText((passed / rowsDone) * (rowsTotal - rowsDone))} left`;
  const percent = Math.floor((100 * rowsDone) / rowsTotal);
  return `building: ${percent} %, ${rowsDone} of ${counted(rowsTotal, 'row')}${left}`;
}

function doneText({ operationId, kind, topic, plan }: Operation): string {
  if (kind === 'hold') return `${topic} is held: no writer can commit any more`;
  if (kind === 'release') return `${topic} is released`;
  const staysHeld = plan['held'] === true || plan['hold_after'] === true;
  return `${operationId} is done: ${topic} ${staysHeld ? 'stays held' : 'is given back'}`;
}

/** What a rewind or an undo did, and what the next cycle takes again. */
function movedText(counts: Operation['counts']): string {
  const { layers, cycles_waiting: cycles, messages_waiting: messages } = counts;
  const moved = Object.entries(isObject(layers) ? layers : {}).flatMap(([layer, done]) => {
    const { rows_before: before, rows_after: after } = isObject(done) ? done : {};
    return typeof before === 'number' && typeof after === 'number'
      ? [`${layer} ${counted(before, 'row')} to ${counted(after, 'row')}`]
      : [];
  });
  const again =
    typeof cycles !== 'number' || typeof messages !== 'number' || cycles === 0
      ? 'they lack no messages'
      : `the next cycle takes ${counted(messages, 'message')} of ${counted(cycles, 'cycle')} again`;
  return `the tables are done: ${[...moved, again].join(', ')}`;
}

/** What a compaction did, by the counts that its job wrote. */
function compactedText(counts: Operation['counts']): string {
  const change = (name: string, text: (count: number) => string): string[] => {
    const [before, after] = [counts[`${name}_before`], counts[`${name}_after`]];
    return typeof before === 'number' && typeof after === 'number' ? [`${text(before)} to ${text(after)}`] : [];
  };
  const changes = [
    ...change('files', (count) => counted(count, 'file')),
    ...change('bytes', sizeText),
    ...change('snapshots', (count) => counted(count, 'snapshot')),
  ];
  return `the tables are done${changes.length === 0 ? '' : `: ${changes.join(', ')}`}`;
}

/** What an erasure found. */
function forgottenText(counts: Operation['counts']): string {
  const found = Object.entries(counts).flatMap(([name, count]) =>
    name.startsWith('rows_') && typeof count === 'number' && count > 0 ? [`${name.slice(5)} ${count}`] : [],
  );
  const letters = counts['dead_letters'];
  const rows = found.length === 0 ? 'no rows' : `rows of ${found.join(', ')}`;
  return `erased: ${rows}${typeof letters === 'number' && letters > 0 ? `, and ${counted(letters, 'dead letter')}` : ''}`;
}

/** What a replay did: messages, by what became of them. */
export function replayedText(counts: Operation['counts']): string {
  const numberOf = (name: string): number => (typeof counts[name] === 'number' ? counts[name] : 0);
  const parts = REPLAY_COUNTS.flatMap(([names, text]) => {
    const count = names.reduce((sum, name) => sum + numberOf(name), 0);
    return count === 0 ? [] : [text(count)];
  });
  return `the tables are done: ${parts.length === 0 ? 'no error was open any more' : parts.join(', ')}`;
}

const REPLAY_COUNTS: readonly (readonly [names: readonly string[], text: (count: number) => string])[] = [
  [['replayed', 'parse_replayed'], (count) => `${counted(count, 'error')} replayed`],
  [['superseded'], (count) => `${count} superseded by newer versions`],
  [['rejudged', 'parse_rejudged'], (count) => `${count} still wrong, and on record with the new verdict`],
  [['failing', 'parse_failing'], (count) => `${count} wrong as before`],
  [['gone', 'parse_gone'], (count) => `${count} without a record that could be read`],
];
