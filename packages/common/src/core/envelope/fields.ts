import { decodeString } from '../json/scan';
import { formatSeconds, parseTime, type Micros } from '../time';
import { checkTopic, type TopicName } from '../topic';

/** A fault of an envelope that did not cost the event, but that its producer should know of. */
export interface EnvelopeIssue {
  readonly field: string;
  readonly code:
    | 'WRONG_TYPE'
    | 'EMPTY'
    | 'TOO_LONG'
    | 'INVALID_TIME'
    | 'TIME_OUT_OF_RANGE'
    | 'TIME_IN_FUTURE'
    | 'INVALID_TOPIC'
    | 'UNKNOWN_FIELD'
    | 'DUPLICATE_FIELD'
    | 'MISSING_PAYLOAD';
  readonly message: string;
  /** The source text that reaches no column; it is kept here, so that nothing that was sent is lost. */
  readonly value?: string;
}

/** A field's value; undefined where it is absent or unusable, and then `issue` says why it is unusable. */
export interface FieldRead<T> {
  readonly value?: T;
  readonly issue?: EnvelopeIssue;
}

/** Characters that an id may have; an emoji is one. */
export const MAX_ID_CHARACTERS = 1024;

const ABSENT = {} as const;

/** Replaces lone surrogates by U+FFFD, as UTF-8 has none: else whatever encodes the text later would decide. */
export function wellFormed(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text;
}

/** Whether a text has more code points than the limit; `length` counts an emoji twice. */
function exceedsCharacters(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  return text.length > limit * 2 || Array.from(text).length > limit;
}

function issueOf(field: string, code: EnvelopeIssue['code'], message: string, value: string): EnvelopeIssue {
  return { field, code, message, value: wellFormed(value) };
}

/**
 * Reads an id, a string or a number. JSON's null counts as absent.
 *
 * @param source the JSON text of the value; undefined when the member is absent
 */
export function readId(field: string, source: string | undefined): FieldRead<string> {
  if (source === undefined || source === 'null') return ABSENT;
  const first = source.charCodeAt(0);
  const isString = first === 0x22;
  if (!isString && !(first === 0x2d || (first >= 0x30 && first <= 0x39))) {
    return { issue: issueOf(field, 'WRONG_TYPE', 'must be a string or a number', source) };
  }
  const text = isString ? wellFormed(decodeString(source)) : source;
  if (text === '') return { issue: issueOf(field, 'EMPTY', 'is empty', source) };
  if (exceedsCharacters(text, MAX_ID_CHARACTERS)) {
    return { issue: issueOf(field, 'TOO_LONG', `is longer than ${MAX_ID_CHARACTERS} characters`, source) };
  }
  return { value: text };
}

/**
 * Reads an RFC 3339 time. JSON's null counts as absent.
 *
 * @param source the JSON text of the value; undefined when the member is absent
 */
export function readTime(field: string, source: string | undefined): FieldRead<Micros> {
  if (source === undefined || source === 'null') return ABSENT;
  if (!source.startsWith('"')) {
    return { issue: issueOf(field, 'WRONG_TYPE', 'must be a string that holds an RFC 3339 time', source) };
  }
  const time = parseTime(decodeString(source));
  return time.ok ? { value: time.micros } : { issue: issueOf(field, time.code, time.message, source) };
}

/**
 * Reads `produced_at`. The latest version of a record wins, so a time that is further ahead than clocks differ is
 * unusable: with it one wrong clock would win over all that comes, for years.
 *
 * @param source the JSON text of the value; undefined when the member is absent
 * @param receivedAt the time at which the message was taken from the queue
 * @param maxSkew how far ahead of that a producer's clock may be
 */
export function readProducedAt(source: string | undefined, receivedAt: Micros, maxSkew: Micros): FieldRead<Micros> {
  const read = readTime('produced_at', source);
  if (source === undefined || read.value === undefined || read.value <= receivedAt + maxSkew) return read;
  const ahead = formatSeconds(read.value - receivedAt);
  const message = `is ${ahead} s later than the message was received, and ${formatSeconds(maxSkew)} s are allowed`;
  return { issue: issueOf('produced_at', 'TIME_IN_FUTURE', message, source) };
}

/**
 * Checks a topic name.
 *
 * @param topic the value as text
 * @param source the text that an issue quotes
 */
export function readTopic(topic: string, source: string): FieldRead<TopicName> {
  const checked = checkTopic(topic);
  return checked.ok
    ? { value: checked.topic }
    : { issue: issueOf('topic_name', checked.code, checked.message, source) };
}

/**
 * Reads the member `topic_name`. JSON's null counts as absent.
 *
 * @param source the JSON text of the value; undefined when the member is absent
 */
export function readTopicMember(source: string | undefined): FieldRead<TopicName> {
  if (source === undefined || source === 'null') return ABSENT;
  if (source.startsWith('"')) return readTopic(decodeString(source), source);
  return { issue: issueOf('topic_name', 'WRONG_TYPE', 'must be a string', source) };
}
