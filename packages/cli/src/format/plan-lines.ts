/** Lines that the plans and the states of topics have in common. */
import type { Hold } from '@lean-ops/common/core';
import type { HoldPlan } from '../operations/plan';
import type { Waiting } from '../operations/waiting';
import { durationText, sinceText, timeText } from '../status/duration';
import { shortArn } from './operations';
import { plain } from './text';

export const LAYER_NAMES = { standardized: 'Standardized', curated: 'Curated' } as const;

export function line(name: string, value: string): string {
  return `  ${name.padEnd(9)} ${value}\n`;
}

/** What has to end before nobody writes to a topic any more. */
export function drainText(cycle: HoldPlan['cycle'], ddl: boolean, now: number): string {
  const waits = [
    ...(cycle === undefined
      ? []
      : [`cycle ${cycle.cycleId} has ended, which runs ${sinceText(timeOfCycle(cycle.cycleId), now)}`]),
    ...(ddl ? ["a schema upload's changes of the tables are done"] : []),
  ];
  return waits.length === 0 ? 'at once: no cycle runs' : `when ${waits.join(', and ')}`;
}

/** By whom a topic is held, and why. */
export function holdLines(hold: Hold, now: number): string[] {
  const { by, reason, since, until, operationId } = hold;
  return [
    line('held', `${sinceText(Date.parse(since), now)}, by ${shortArn(by)}`),
    line('why', plain(reason)),
    until === undefined ? '' : line('until', atText(until, now)),
    line('operation', plain(operationId)),
  ];
}

/** A time with how far away it is. */
export function atText(time: string, now: number): string {
  const at = Date.parse(time);
  const left = at < now ? `overdue by ${durationText(now - at)}` : `in ${durationText(at - now)}`;
  return `${timeText(at, now)} UTC (${left})`;
}

/** What waits for the release of a topic. */
export function waitingLines({ cycles, upload }: Waiting, now: number): string[] {
  return [
    ...cycles.map(({ layer, cycleId, since }) => {
      const first = since === '' ? '' : `, its first event came ${timeText(Date.parse(since), now)} UTC`;
      return line('waits', `${LAYER_NAMES[layer]}, from cycle ${cycleId} on${first}`);
    }),
    ...(upload === undefined ? [] : [line('waits', `a schema upload ${sinceText(Date.parse(upload.since), now)}`)]),
  ];
}

/** When a cycle began, by its id. */
function timeOfCycle(cycleId: string): number {
  return Date.parse(cycleId.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, '$1-$2-$3T$4:$5:$6Z'));
}
