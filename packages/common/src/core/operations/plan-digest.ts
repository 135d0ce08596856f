import { hash } from 'node:crypto';
import type { Document } from '../condition';

/** A short name of a plan, equal for equal plans. */
export function planDigest(plan: Document): string {
  return hash('sha256', JSON.stringify(Object.entries(plan).sort()), 'hex').slice(0, 16);
}
