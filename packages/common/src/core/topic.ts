/**
 * A topic name that was checked: the only kind that may reach a path, SQL text or a table name.
 *
 * The rules of this file have a twin in scripts/glue/lean_ops/columns/names.py. Both sides run
 * tests/conformance/topic_names.json (packages/common/tests/core/topic.test.ts, tests/glue/columns/test_names.py).
 */
export type TopicName = string & { readonly __brand: 'TopicName' };

export type TopicResult =
  | { readonly ok: true; readonly topic: TopicName }
  | { readonly ok: false; readonly code: 'INVALID_TOPIC'; readonly message: string };

/** ASCII only, so that no look-alike letter can name a second topic that reads like the first. */
export const TOPIC_PATTERN = /^[a-z][a-z0-9._-]{0,127}$/;

/** Stands in for the topic of a message that has none. No topic can be called so, as names start with a letter. */
export const UNKNOWN_TOPIC = '_unknown';

export function isTopicName(text: string): text is TopicName {
  return TOPIC_PATTERN.test(text);
}

/** Quotes a text as at most `limit` characters of printable ASCII, fit for log lines, message attributes and errors. */
export function printable(text: string, limit = 60): string {
  const escaped = text
    .slice(0, limit)
    .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}${text.length > limit ? '...' : ''}"`;
}

/** Checks a topic name that comes from outside; the message of a refusal is printable ASCII. */
export function checkTopic(text: string): TopicResult {
  if (isTopicName(text)) return { ok: true, topic: text };
  return {
    ok: false,
    code: 'INVALID_TOPIC',
    message:
      `${printable(text)} is not a topic name: 1 to 128 characters, a-z first, then a-z, 0-9, '.', '_' or '-'` +
      (text.length > 128 ? ` (this one has ${text.length})` : ''),
  };
}

/**
 * The name of the table that a topic's rows go to. Two topics can share one (`a.b` and `a-b`): the first to register
 * owns it, and the second is refused with TOPIC_COLLISION.
 */
export function tableNameOf(topic: TopicName): string {
  return topic.replace(/[.-]/g, '_');
}
