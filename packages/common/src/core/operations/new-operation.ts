import { hash } from 'node:crypto';
import type { Document } from '../condition';
import type { TopicName } from '../topic';
import type { Operation, OperationKind } from './operation';
import { planDigest } from './plan-digest';

/** What somebody asks for: a person by a command, the planner after a bad cycle, or a schema upload. */
export interface OperationWish {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly topic: TopicName;
  readonly requestedBy: string;
  readonly reason: string;
  /** ISO 8601 in UTC: when a hold should be over. */
  readonly until?: string | undefined;
  readonly plan: Document;
}

/** An operation as it is when it is asked for. It has begun nothing. */
export function newOperation(wish: OperationWish, now: Date): Operation {
  const at = now.toISOString();
  return {
    ...wish,
    state: 'RUNNING',
    step: 'REQUESTED',
    planDigest: planDigest(wish.plan),
    counts: {},
    requestedAt: at,
    updatedAt: at,
    recorded: false,
  };
}

/** Six hexadecimal digits for the id of an operation that is asked for by a cause, and once for each. */
export function hexOf(cause: string): string {
  return hash('sha256', cause, 'hex').slice(0, 6);
}
