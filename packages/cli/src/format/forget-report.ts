/** The report of an erasure, for the person who asked for it. It has no key and no value. */
import type { Document, Operation } from '@lean-ops/common/core';
import { counted } from './text';

/** Days for which DynamoDB keeps what it restores tables from. */
const RECOVERY_DAYS = 35;
const DAY_MS = 24 * 3_600_000;

const PLACES: readonly (readonly [name: string, place: string, unit: string])[] = [
  ['rows_raw', 'events as they were received (RAW)', 'row'],
  ['rows_cycle_delta', 'events as they were taken (cycle_delta)', 'row'],
  ['rows_standardized', 'Standardized table', 'row'],
  ['rows_curated', 'Curated table', 'row'],
  ['rows_errors', 'rejected or corrected values (errors)', 'row'],
  ['rows_parse_errors', 'unreadable events (parse_errors)', 'row'],
  ['dead_letters', 'dead letters in the archive', 'object'],
  ['overflow', 'large messages on their way to the archive', 'object'],
  ['error_records', 'what Firehose could not deliver', 'record'],
  ['query_results', 'results of queries', 'object'],
];

/** The report as Markdown. */
export function forgetReport(operation: Operation): string {
  const { operationId, topic, state, requestedBy, requestedAt, reason, plan, counts, endedAt } = operation;
  const erasedAt = textOf(counts, 'erased_at');
  const until = erasedAt === undefined ? undefined : dateOf(Date.parse(erasedAt) + RECOVERY_DAYS * DAY_MS);
  const hashes = Array.isArray(plan['hashes']) ? plan['hashes'] : [];
  const unreadable = counts['error_objects_unreadable'];
  const rows = PLACES.flatMap(([name, place, unit]) => {
    const count = counts[name];
    return typeof count === 'number' ? [`| ${place} | ${counted(count, unit)} |`] : [];
  });
  return [
    `# Erasure ${operationId}`,
    '',
    `Topic: ${topic}. State: ${state}.`,
    `Requested ${requestedAt} by ${requestedBy}. Reason: ${reason}`,
    ...(erasedAt === undefined ? ['Nothing is erased yet.'] : [`Erased ${erasedAt}. Ended ${endedAt ?? 'not yet'}.`]),
    '',
    '## What it was about',
    '',
    'The record keeps no key. Each hash is the SHA-256 of the salt with the key behind it, in hexadecimal digits:',
    '`printf \'%s\' "$SALT$KEY" | sha256sum`',
    '',
    `- salt: \`${textOf(plan, 'salt') ?? ''}\``,
    ...hashes.map((one) => `- hash: \`${String(one)}\``),
    '',
    '## What was found, and deleted',
    '',
    '| where | found and deleted |',
    '| --- | --- |',
    ...rows,
    '',
    ...(erasedAt === undefined
      ? []
      : [
          `The ${counted(numberOf(counts, 'snapshots'), 'snapshot')} of the tables that still had them expired at the same time, with ` +
            `${counted(numberOf(counts, 'files'), 'file')}.`,
          '',
          '## What remains, and until when',
          '',
          `- Backups of the tables of DynamoDB (point-in-time recovery) have ids and keys of requests until ${until ?? '?'}.`,
          '- Logs have ids of messages, and no payloads, for as long as they are kept.',
          '- Copies that others have taken out of the lake are not known to it.',
          `- Events with the same key that come in after ${erasedAt} are new ones, and are kept.`,
          ...(typeof unreadable === 'number' && unreadable > 0
            ? [
                `- ${counted(unreadable, 'object')} of Firehose's have the key and could not be taken apart: look at them.`,
              ]
            : []),
          '',
        ]),
  ].join('\n');
}

function textOf(document: Document, name: string): string | undefined {
  const value = document[name];
  return typeof value === 'string' ? value : undefined;
}

function numberOf(document: Document, name: string): number {
  const value = document[name];
  return typeof value === 'number' ? value : 0;
}

function dateOf(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}
