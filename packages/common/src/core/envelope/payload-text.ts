import { wellFormed } from './fields';
import { decodeString, scanJson } from '../json/scan';

const BYTE_ORDER_MARK = 0xfeff;

/** A text without the byte order marks at its start, which say how its bytes are to be read and are no part of it. */
export function withoutByteOrderMark(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === BYTE_ORDER_MARK) start++;
  return start === 0 ? text : text.slice(start);
}

/**
 * RAW's text for a payload: a JSON string that holds an object or an array gives the text in it, and every other payload
 * stays as it was sent, a text with its quotes. So whatever is no JSON in RAW was none when it was sent. The jobs' side
 * of the rule is scripts/glue/lean_ops/payload/flatten.py; tests/conformance/payloads.json holds the two equal.
 *
 * @param source a JSON value, perhaps with white space around it
 */
export function payloadText(source: string): string {
  const token = source.trim();
  if (!token.startsWith('"')) return source;
  const held = withoutByteOrderMark(decodeString(token));
  return /^[ \t\n\r]*[[{]/.test(held) && scanJson(held).kind !== 'invalid' ? wellFormed(held) : source;
}
