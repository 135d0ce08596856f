/**
 * What the tables errors and parse_errors have on record, and the short id that rows of one cause share: their
 * fingerprint. It is computed and never stored, so rows of every age have it. The SQL of Athena that makes the same is in
 * fingerprint-sql.ts; vectors hold the two equal (tests/conformance/fingerprints.json).
 * docs/decisions/0048-fingerprints-of-errors.md.
 */
import { hash } from 'node:crypto';
import { isObject } from '../json/value';

/** The version of the way in which fingerprints are made. Another way gets another number, and so other ids. */
export const FINGERPRINT_VERSION = 1;
/** Hexadecimal digits of a fingerprint: 40 bits, which tell apart more causes than a pipeline has. */
export const FINGERPRINT_DIGITS = 10;

/** The layers whose cycles put errors on record: Curated in `errors`, Standardized in `parse_errors`. */
export type ErrorLayer = 'curated' | 'standardized';

/** A rule of a topic's schema that a message broke. */
export interface ViolatedRule {
  readonly column: string;
  readonly rule: string;
}

/** A row of `errors` or `parse_errors`, as far as its cause goes: neither values nor the version of the schema. */
export type ErrorCause =
  | { readonly layer: 'curated'; readonly topic: string; readonly violations: readonly ViolatedRule[] }
  | { readonly layer: 'standardized'; readonly topic: string; readonly code: string };

/** The codes of parse_errors, with what each means in words. docs/data-contracts.md, parse_errors. */
export const PARSE_ERROR_CODES: Readonly<Record<string, string>> = {
  INVALID_JSON: 'the payload is not what RFC 8259 allows',
  TOPIC_COLLISION: "the topic's table belongs to another topic",
  INVALID_TOPIC: 'the topic name is not legal',
};

/** The fingerprint of an error, such as `E1-3f0ac91b7d`. */
export function fingerprintOf(cause: ErrorCause): string {
  const text = [FINGERPRINT_VERSION, cause.layer, cause.topic, signatureOf(cause)].join('|');
  return `E${FINGERPRINT_VERSION}-${hash('sha256', text, 'hex').slice(0, FINGERPRINT_DIGITS)}`;
}

/** The cause within its layer and topic, as one text: the broken rules, sorted (`humidity type,temperature maximum`), or the code. */
export function signatureOf(cause: ErrorCause): string {
  if (cause.layer === 'standardized') return cause.code;
  const rules = new Set(cause.violations.map(({ column, rule }) => `${column} ${rule}`));
  return [...rules].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).join(',');
}

/** The broken rules of a signature of Curated's. */
export function rulesOfSignature(signature: string): ViolatedRule[] {
  return signature.split(',').flatMap((one) => {
    const [column = '', rule] = one.split(' ');
    return rule === undefined ? [] : [{ column, rule }];
  });
}

/** Whether a text is a fingerprint of the present version. */
export function isFingerprint(text: string): boolean {
  return new RegExp(`^E${FINGERPRINT_VERSION}-[0-9a-f]{${FINGERPRINT_DIGITS}}$`).test(text);
}

/** One violation of a row of `errors`. */
export interface Violation extends ViolatedRule {
  /** What is wrong, in words without the value. */
  readonly message: string;
  /** The first 200 characters of the value; null where there is none, and undefined where it was not read. */
  readonly value: string | null | undefined;
}

/** Reads the column `violations`. A text that is damaged has no violations. */
export function readViolations(text: string | null): Violation[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown): Violation[] => {
    if (!isObject(one) || typeof one['column'] !== 'string' || typeof one['rule'] !== 'string') return [];
    const { message, value } = one;
    return [
      {
        column: one['column'],
        rule: one['rule'],
        message: typeof message === 'string' ? message : '',
        value: typeof value === 'string' || value === null ? value : undefined,
      },
    ];
  });
}
