import { hash } from 'node:crypto';
import type { StreamErrorEntry, StreamErrorKind } from '@lean-ops/common/aws';
import { UNKNOWN_TOPIC } from '@lean-ops/common/core';
import { errorItemsOf, UNREADABLE, type ErrorItem } from './error-items';
import { sendableOf } from './sendable';

const MAX_IDS = 100;
const MAX_ID_LENGTH = 128;

/** An entry of the index that is not on record yet. */
export type EntryDraft = Omit<StreamErrorEntry, 'archived_at'>;

/** The contents of one error object: an entry for each topic, kind and error code, and the totals. */
export interface Inventory {
  readonly drafts: readonly EntryDraft[];
  /** Number of items in the object: records, lists of data files, and unreadable items. */
  readonly items: number;
  readonly records: number;
  readonly dataFiles: number;
  readonly dataFileItems: number;
  readonly unreadable: number;
}

/** The time that Firehose puts into an object's name (`…-2026-11-23-10-09-00-<uuid>`), in epoch milliseconds. */
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

/** The name of a group within its object. A resend counts by these groups. */
export function groupOf(topic: string, { kind, code }: Pick<ErrorItem, 'kind' | 'code'>): string {
  return `${topic}/${kind}/${code}`;
}

function countedBy(item: ErrorItem): { topic: string; count: number; bytes: number; id: string | undefined } {
  if (item.kind === 'data_files') return { topic: UNKNOWN_TOPIC, count: item.files.length, bytes: 0, id: undefined };
  if (item.kind === 'unreadable') return { topic: UNKNOWN_TOPIC, count: 1, bytes: item.bytes, id: undefined };
  const sendable = sendableOf(item.raw);
  const topic = sendable.ok ? sendable.topic : UNKNOWN_TOPIC;
  return { topic, count: 1, bytes: item.raw.length, id: sendable.ok ? sendable.sourceMessageId : undefined };
}

function entryDraftOf(group: Group, key: string, writtenAt: number): EntryDraft {
  const failedAt = new Date(group.failedAt > 0 ? group.failedAt : writtenAt).toISOString();
  const object = hash('sha256', key, 'hex').slice(0, 16);
  // Two kinds may share a code, so all kinds but records add a suffix.
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
 * Counts what an error object holds. The same bytes under the same key always give the same entries.
 *
 * @param writtenAt the object's time in epoch milliseconds, for when neither the items nor the key have one
 */
export function inventoryOf(key: string, object: Buffer, writtenAt: number): Inventory {
  const groups = new Map<string, Group>();
  const total = { items: 0, records: 0, dataFiles: 0, dataFileItems: 0, unreadable: 0 };
  for (const item of errorItemsOf(object)) {
    const { topic, count, bytes, id } = countedBy(item);
    total.items++;
    if (item.kind === 'records') total.records++;
    else if (item.kind === 'unreadable') total.unreadable++;
    else {
      total.dataFileItems++;
      total.dataFiles += count;
    }
    const name = groupOf(topic, item);
    let group = groups.get(name);
    if (group === undefined) {
      const { kind, code, message } = item;
      group = { topic, kind, code, message, failedAt: 0, attempts: 0, count: 0, bytes: 0, ids: [] };
      groups.set(name, group);
    }
    group.failedAt = Math.max(group.failedAt, item.failedAt ?? 0);
    group.attempts = Math.max(group.attempts, item.attempts);
    group.count += count;
    group.bytes += bytes;
    if (id !== undefined && group.ids.length < MAX_IDS) group.ids.push(id.slice(0, MAX_ID_LENGTH));
  }
  const fallback = timeInName(key) ?? writtenAt;
  return { drafts: [...groups.values()].map((group) => entryDraftOf(group, key, fallback)), ...total };
}

/** The inventory of an object that is too large to be read: one entry, so that it is on record all the same. */
export function oversizedInventory(key: string, size: number, writtenAt: number): Inventory {
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
    drafts: [entryDraftOf(group, key, writtenAt)],
    ...{ items: 1, records: 0, dataFiles: 0, dataFileItems: 0, unreadable: 1 },
  };
}
