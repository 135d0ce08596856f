import { hash } from 'node:crypto';

/**
 * A text as one segment of an S3 key. Ids as AWS makes them stay readable; anything else (slashes, dots, control
 * characters, more than 128 characters) becomes its SHA-256, so that equal ids give equal keys and nothing escapes its prefix.
 */
export function keySegment(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(text) ? text : `sha256-${hash('sha256', text, 'hex')}`;
}
