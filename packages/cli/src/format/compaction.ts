/** Plans of compactions, of one topic and of many, for people. */
import { DELETE_FILE_GAIN } from '@lean-ops/common/core';
import type { Choice } from '../operations/compact-all';
import { gainOf, type CompactPlan } from '../operations/plan';
import type { SizedTable } from '../operations/table-sizes';
import { drainText, holdLines, LAYER_NAMES, line, waitingLines } from './plan-lines';
import { renderTable, type Display } from './table';
import { counted, plain, sizeText } from './text';

/** @param now epoch milliseconds */
export function compactText(plan: CompactPlan, now: number): string {
  const { topic, tableName, status, epoch, held, hold, cycle, ddl, waiting, tables } = plan;
  return [
    `Plan: compact ${topic}\n`,
    line('now', `${status ?? 'no status'}, epoch ${epoch}`),
    ...tables.map((table) => line('has', tableText(table))),
    line('spares', sparedText(tables)),
    ...(held
      ? [line('meanwhile', `held as it is, and afterwards too${hold === undefined ? ': by hand' : ''}`)]
      : [
          line('meanwhile', `MAINTENANCE, epoch ${epoch + 1}: cycles, table-provisioner and schema uploads leave`),
          line('', `${tableName} alone, in both layers; RAW and cycle_delta take its events`),
          line('then', `${status ?? 'no status'}, epoch ${epoch + 1}; the next cycle takes what has come`),
        ]),
    ...(hold === undefined ? [] : holdLines(hold, now)),
    line('drained', drainText(cycle, ddl, now)),
    ...waitingLines(waiting, now),
  ].join('');
}

/** What a compaction spares whoever reads the tables, at the most. */
function sparedText(tables: readonly SizedTable[]): string {
  const deleteFiles = tables.reduce((sum, { size }) => sum + (size?.deleteFiles ?? 0), 0);
  const files = gainOf(tables) - DELETE_FILE_GAIN * deleteFiles;
  if (files + deleteFiles === 0) return 'no file that is known of; snapshots that nobody needs go';
  const parts = [
    ...(files === 0 ? [] : [`up to ${counted(files, 'file')}`]),
    ...(deleteFiles === 0 ? [] : [counted(deleteFiles, 'delete file')]),
  ];
  return `${parts.join(' and ')} for whoever reads it; snapshots that nobody needs go`;
}

function tableText({ layer, size, problem = '' }: SizedTable): string {
  const name = LAYER_NAMES[layer];
  if (size === undefined) return `${name}: its metadata cannot be read: ${plain(problem)}`;
  const { files, bytes, deleteFiles, snapshots } = size;
  return (
    `${name}: ${counted(files, 'file')} of ${sizeText(bytes)}, ${counted(deleteFiles, 'delete file')}, ` +
    counted(snapshots, 'snapshot')
  );
}

/** The topics that a run of `topic compact --all` takes, and how to apply it. */
export function choiceText(
  { chosen, skipped, later, unknown }: Choice,
  { apply, limit }: { readonly apply: boolean; readonly limit: number },
  display: Display,
): string {
  const command = `lean-ops topic compact --all --limit ${limit} --apply --reason TEXT`;
  return [
    chosen.length === 0 ? 'No topic is known to gain by it.\n' : candidateTable(chosen, display),
    ...skipped.map(({ topic, message }) => `skipped: ${topic}, ${plain(message)}\n`),
    unknownText(unknown),
    later === 0 ? '' : `${counted(later, 'more topic')} ${later === 1 ? 'gains' : 'gain'} by it: --limit\n`,
    apply || chosen.length === 0 ? '' : `Nothing was changed. To do it, one after another:\n  ${command}\n`,
  ].join('');
}

/** How many topics a line names. */
const MAX_NAMED = 5;

function unknownText(unknown: Choice['unknown']): string {
  const [first] = unknown;
  if (first === undefined) return '';
  const named = unknown.slice(0, MAX_NAMED).map(({ topic }) => topic);
  const names = `${named.join(', ')}${unknown.length > MAX_NAMED ? ', …' : ''}`;
  return `not looked at: ${counted(unknown.length, 'topic')} (${names}), as a table's metadata cannot be read: ${plain(first.problem)}\n`;
}

function candidateTable(chosen: Choice['chosen'], display: Display): string {
  const number = (heading: string) => ({ heading, kind: 'number' }) as const;
  return renderTable(
    {
      columns: [
        { heading: 'topic', kind: 'text' },
        ...['files', 'size', 'delete files', 'snapshots', 'spares at most'].map(number),
      ],
      rows: chosen.map(({ topic, tables, gain }) => {
        const sum = (name: 'files' | 'bytes' | 'deleteFiles' | 'snapshots'): number =>
          tables.reduce((total, { size }) => total + (size?.[name] ?? 0), 0);
        return [topic, sum('files'), sizeText(sum('bytes')), sum('deleteFiles'), sum('snapshots'), gain];
      }),
    },
    display,
  );
}

/** What a run that stopped at a failure has not come to. */
export function leftText(count: number): string {
  return count === 0
    ? ''
    : `Stopped here: ${counted(count, 'topic')} of those above ${count === 1 ? 'is' : 'are'} as before.\n`;
}

/** How a run over many topics went. codes: the exit code of each. */
export function compactionsText(codes: readonly number[]): string {
  const count = (code: number): number => codes.filter((one) => one === code).length;
  const refused = count(1) === 0 ? '' : `, ${count(1)} refused`;
  const failed = count(2) === 0 ? '' : `, ${count(2)} not done`;
  return `${counted(count(0), 'topic')} compacted${refused}${failed}.\n`;
}
