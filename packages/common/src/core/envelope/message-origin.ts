/**
 * The message attribute by which a dead letter that is sent again says which message it is. docs/data-contracts.md, The
 * attribute lean_ops_origin.
 */
import { isObject } from '../json/value';
import { MAX_ID_CHARACTERS, wellFormed } from './fields';

export const ORIGIN_ATTRIBUTE = 'lean_ops_origin';
const VERSION = 1;
/** The end of the year 9999, in epoch milliseconds. */
const LAST_MILLIS = 253_402_300_799_999;
const MAX_ATTEMPT = 1_000_000;
/** A key of S3 has at most 1,024 bytes. */
const LETTER = /^[ -~]{1,1024}$/;
const OPERATION = /^[A-Za-z0-9-]{1,64}$/;

/** A message attribute in the form in which Lambda hands it over. */
export interface AttributeValue {
  readonly dataType: string;
  readonly stringValue?: string | undefined;
  /** Base64. */
  readonly binaryValue?: string | undefined;
}

/** A dead letter that was sent again as it was: it is the message that the producer sent, and no other. */
export interface ReplayOrigin {
  readonly kind: 'replay';
  /** The id that the queue gave the producer's message; of a correction that died, its own. */
  readonly messageId: string;
  /** When the producer handed it to the queue, in epoch milliseconds. */
  readonly sentAt: number;
  /** When it was first taken from the queue, in epoch milliseconds. */
  readonly receivedAt: number;
  /** The trace id under which the producer's log knows it; undefined where it is not on record. */
  readonly traceId: string | undefined;
  /** The archive key of the first letter that it died as. */
  readonly letter: string;
  /** How often it was sent again, this time included; 1 or more. */
  readonly attempt: number;
  readonly operation: string;
  /** The producer's attributes that do not fit beside this one, as SQS takes ten. */
  readonly attributes: Readonly<Record<string, AttributeValue>> | undefined;
}

/** A corrected body in the place of a dead letter: a new message, with an id of its own and the time at which it is sent. */
export interface EditOrigin {
  readonly kind: 'edit';
  /** Its id, of the letter and the body: the same correction sent twice is one message. */
  readonly messageId: string;
  /** The archive key of the letter that it corrects. */
  readonly letter: string;
  readonly operation: string;
}

export type MessageOrigin = ReplayOrigin | EditOrigin;

export type OriginResult =
  { readonly ok: true; readonly origin: MessageOrigin } | { readonly ok: false; readonly message: string };

/** The attribute's text. */
export function originText(origin: MessageOrigin): string {
  const { letter, operation, messageId } = origin;
  if (origin.kind === 'edit') {
    return JSON.stringify({ v: VERSION, kind: 'edit', message_id: messageId, letter, operation });
  }
  const { sentAt, receivedAt, traceId, attempt, attributes } = origin;
  return JSON.stringify({
    v: VERSION,
    kind: 'replay',
    message_id: messageId,
    sent_at: sentAt,
    received_at: receivedAt,
    ...(traceId !== undefined && { trace_id: traceId }),
    letter,
    attempt,
    operation,
    ...(attributes && { attributes }),
  });
}

function refused(what: string): OriginResult {
  return { ok: false, message: `the message attribute ${ORIGIN_ATTRIBUTE} ${what}` };
}

const isCount = (value: unknown, last: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= last;
const isText = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value);

function isAttribute(value: unknown): value is AttributeValue {
  if (!isObject(value)) return false;
  const isOptional = (text: unknown): boolean => text === undefined || typeof text === 'string';
  return typeof value['dataType'] === 'string' && isOptional(value['stringValue']) && isOptional(value['binaryValue']);
}

/**
 * Reads the attribute. Whoever may send to the queue may set it, as with the members of an envelope; one that is malformed must
 * not be overlooked, as an old message would then count as new, and win.
 *
 * @param text the attribute's text; undefined where the attribute is of a type without one
 */
export function readOrigin(text: string | undefined): OriginResult {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '');
  } catch {
    return refused('is not JSON');
  }
  if (!isObject(found) || found['v'] !== VERSION) return refused(`is no object with "v": ${VERSION}`);
  const { kind, letter, operation, message_id: given } = found;
  if (kind !== 'replay' && kind !== 'edit') return refused('has a kind that is neither replay nor edit');
  if (!isText(letter, LETTER)) return refused('names no letter');
  if (!isText(operation, OPERATION)) return refused('names no operation');
  if (typeof given !== 'string' || given === '' || given.length > MAX_ID_CHARACTERS) {
    return refused('has no usable message_id');
  }
  const messageId = wellFormed(given);
  if (kind === 'edit') return { ok: true, origin: { kind, messageId, letter, operation } };

  const { sent_at: sentAt, received_at: receivedAt, trace_id: traceId, attempt } = found;
  if (!isCount(sentAt, LAST_MILLIS) || !isCount(receivedAt, LAST_MILLIS)) {
    return refused('lacks sent_at or received_at in milliseconds');
  }
  if (!isCount(attempt, MAX_ATTEMPT)) return refused('has no usable attempt');
  if (traceId !== undefined && !isText(traceId, /^[ -~]{1,128}$/)) return refused('has no usable trace_id');
  const attributes = found['attributes'];
  if (attributes !== undefined && !(isObject(attributes) && Object.values(attributes).every(isAttribute))) {
    return refused('has unusable attributes');
  }
  return {
    ok: true,
    origin: {
      kind,
      messageId,
      sentAt,
      receivedAt,
      traceId,
      letter,
      attempt,
      operation,
      attributes: attributes as ReplayOrigin['attributes'],
    },
  };
}
