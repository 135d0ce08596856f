import { hash } from 'node:crypto';

/**
 * Makes one segment of an S3 key of a text. Ids as AWS makes them stay readable; a text with other characters (slashes,
 * dots, control characters) or of more than 128 becomes its SHA-256. So equal ids give equal keys, and none escapes its
 * prefix.
 */
export function keySegment(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(text) ? text : `sha256-${hash('sha256', text, 'hex')}`;
}
