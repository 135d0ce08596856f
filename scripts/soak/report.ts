/** The result of a soak, as text for people. */
import { renderTable, type Display } from '../../packages/cli/src/format/table';
import type { SoakResult } from './run-soak';

export function renderSoak({ account, batches, injected, sendSeconds, seconds }: SoakResult, display: Display): string {
  const of = (name: string): number => injected[name] ?? 0;
  const codes = Object.entries(account.dlqByCode).sort(([, a], [, b]) => b - a);
  const rows: readonly (readonly [string, string | number])[] = [
    ['sent', account.sent],
    ['  messages a second, sent', Math.round(account.sent / sendSeconds)],
    ['  messages a second, until all was at rest', Math.round(account.sent / seconds)],
    ['invocations of sqs-processor', batches.invocations],
    ['  batches that ended', batches.finished],
    ['  workers killed', of('lambda_killed')],
    ['calls of PutRecordBatch, in batches that ended', batches.firehoseCalls],
    ['  injected: records refused', of('firehose_record_refused')],
    ['  injected: calls refused (503)', of('firehose_call_refused')],
    ['  records in those', of('firehose_records_in_refused_calls')],
    ['  injected: calls failed after all was taken (500)', of('firehose_call_failed_after_taking')],
    ['  injected: calls answered too late', of('firehose_call_late')],
    ['  records taken in these two', of('firehose_records_taken_unanswered')],
    ['  records resent, in batches that ended', batches.resent],
    ['rows in RAW', account.rawRows],
    ['  copies', account.rawRows - account.raw],
    ['distinct in RAW', account.raw],
    ['distinct in the DLQ', account.dlq],
    ...codes.map(([code, count]) => [`  ${code}`, count] as const),
    ['in both', account.both.length],
    ["below Firehose's error prefix", account.firehoseErrors],
    ['  of them in neither RAW nor the DLQ', account.stranded.length],
    ['missing', account.missing.length],
    ['unknown', account.unknown.length],
    ['seconds', Math.round(seconds)],
  ];
  const columns = [
    { heading: 'what', kind: 'text' },
    { heading: 'number', kind: 'number' },
  ] as const;
  return renderTable({ columns, rows }, display).trimEnd();
}

export function renderVerdict({ account, faults }: SoakResult): string {
  const { sent, raw, dlq, both, missing } = account;
  const lines =
    faults.length > 0
      ? ['It does NOT balance:', ...faults.map((fault) => `  ${fault}`)]
      : [
          `It balances, to the message: ${sent} sent = ${raw} distinct in RAW + ${dlq} in the DLQ${both.length > 0 ? ` − ${both.length} in both` : ''}.`,
        ];
  if (both.length > 0)
    lines.push(
      '  In both: Firehose had taken the message, and the function was killed before it could say so, too often.',
    );
  if (missing.length > 0) lines.push(...missing.slice(0, 10).map((id) => `  missing: ${id}`));
  return lines.join('\n');
}
