import { hash } from 'node:crypto';
import type { StreamErrorEntry, StreamErrorKind } from '@lean-ops/common/aws';
import { UNKNOWN_TOPIC } from '@lean-ops/common/core';
import { partsOf, UNREADABLE, type Part } from './error-items';
import { sendableOf } from './sendable';

/** An entry before anybody has put it on record. */
export type Draft = Omit<StreamErrorEntry, 'archived_at'>;

/** What one error object holds, by topic and error code, and in all. */
export interface Inventory {
  readonly drafts: readonly Draft[];
  /** Pieces of the object: records + file parts + unreadable ones. */
  readonly parts: number;
  readonly records: number;
  readonly dataFiles: number;
  readonly dataFileParts: number;
  readonly unreadable: number;
}

const MAX_IDS = 100;
const MAX_ID_LENGTH = 128;

/** Firehose puts the time into an object's name: `…-2026-11-23-10-09-00-<uuid>`. */
export function timeInName(key: string): number | undefined {
  const found = /-(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-[^/]*$/.exec(key);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1);
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(millis) ? undefined : millis;
}

interface Group {
  readonly topic: string;
  readonly kind: StreamErrorKind;
  readonly code: string;
  message: string;
  failedAt: number;
  attempts: number;
  count: number;
  bytes: number;
  readonly ids: string[];
}

/** Names a group within its object: what a resend counts by. */
export function groupOf(topic: string, { kind, code }: Pick<Part, 'kind' | 'code'>): string {
  return `${topic}/${kind}/${code}`;
}

function countedBy(part: Part): { topic: string; count: number; bytes: number; id: string | undefined } {
  if (part.kind === 'data_files') return { topic: UNKNOWN_TOPIC, count: part.files.length, bytes: 0, id: undefined };
  if (part.kind === 'unreadable') return { topic: UNKNOWN_TOPIC, count: 1, bytes: part.bytes, id: undefined };
  const sendable = sendableOf(part.raw);
  const topic = sendable.ok ? sendable.topic : UNKNOWN_TOPIC;
  return { topic, count: 1, bytes: part.raw.length, id: sendable.ok ? sendable.sourceMessageId : undefined };
}

function draftOf(group: Group, key: string, writtenAt: number): Draft {
  const failedAt = new Date(group.failedAt > 0 ? group.failedAt : writtenAt).toISOString();
  const object = hash('sha256', key, 'hex').slice(0, 16);
  // Two kinds may share a code; the plain form is the records'.
  const suffix = group.kind === 'records' ? '' : `#${group.kind}`;
  return {
    topic_name: group.topic,
    failed_at_message_id: `${failedAt}#firehose-${object}-${group.code}${suffix}`,
    failed_at: failedAt,
    error_code: group.code,
    error_message: group.message,
    s3_key: key,
    origin: 'firehose',
    kind: group.kind,
    records: group.count,
    body_bytes: group.bytes,
    receive_count: group.attempts,
    source_message_ids: group.ids,
  };
}

/**
 * Counts an error object. The same bytes under the same key give the same entries, whoever reads them and when.
 *
 * @param writtenAt stands in where neither the parts nor the key say when it was (milliseconds)
 */
export function inventoryOf(key: string, object: Buffer, writtenAt: number): Inventory {
  const groups = new Map<string, Group>();
  const total = { parts: 0, records: 0, dataFiles: 0, dataFileParts: 0, unreadable: 0 };
  for (const part of partsOf(object)) {
    const { topic, count, bytes, id } = countedBy(part);
    total.parts++;
    if (part.kind === 'records') total.records++;
    else if (part.kind === 'unreadable') total.unreadable++;
    else {
      total.dataFileParts++;
      total.dataFiles += count;
    }
    const name = groupOf(topic, part);
    let group = groups.get(name);
    if (group === undefined) {
      const { kind, code, message } = part;
      group = { topic, kind, code, message, failedAt: 0, attempts: 0, count: 0, bytes: 0, ids: [] };
      groups.set(name, group);
    }
    group.failedAt = Math.max(group.failedAt, part.failedAt ?? 0);
    group.attempts = Math.max(group.attempts, part.attempts);
    group.count += count;
    group.bytes += bytes;
    if (id !== undefined && group.ids.length < MAX_IDS) group.ids.push(id.slice(0, MAX_ID_LENGTH));
  }
  const fallback = timeInName(key) ?? writtenAt;
  return { drafts: [...groups.values()].map((group) => draftOf(group, key, fallback)), ...total };
}

/** The one entry of an object that is too large to be read here: on record all the same. */
export function oversized(key: string, size: number, writtenAt: number): Inventory {
  const group: Group = {
    topic: UNKNOWN_TOPIC,
    kind: 'unreadable',
    code: UNREADABLE,
    message: `${size} bytes are more than MAX_OBJECT_BYTES allows`,
    failedAt: timeInName(key) ?? writtenAt,
    attempts: 0,
    count: 1,
    bytes: size,
    ids: [],
  };
  return {
    drafts: [draftOf(group, key, writtenAt)],
    ...{ parts: 1, records: 0, dataFiles: 0, dataFileParts: 0, unreadable: 1 },
  };
}
