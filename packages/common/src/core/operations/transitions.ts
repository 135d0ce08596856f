/**
 * The transitions of an operation, as pure decisions: from what the tables say now to the writes that take it one step on.
 * All writes of a decision are one transaction, so a step is done or not done, and a repeated one recognises that it is done.
 * begin-operation.ts and finish-operation.ts decide; this file has what a decision is.
 */
import type { Condition, Document } from '../condition';
import type { Operation } from './operation';

/** The table that a write goes to: operations and their locks, or the schema registry. */
export type OperationTable = 'operations' | 'registry';

export type OperationWrite =
  | { readonly op: 'put'; readonly table: OperationTable; readonly document: Document; readonly condition: Condition }
  | {
      readonly op: 'update';
      readonly table: OperationTable;
      readonly key: Document;
      readonly set: Document;
      readonly remove: readonly string[];
      readonly condition: Condition;
    }
  | { readonly op: 'delete'; readonly table: OperationTable; readonly key: Document; readonly condition: Condition };

/** Why a step cannot be done, by code. */
export type RefusalCode =
  | 'OPERATION_ENDED'
  | 'LOCK_LOST'
  | 'PLAN_STALE'
  | 'ALREADY_HELD'
  | 'NOT_HELD'
  | 'HELD_OTHERWISE'
  | 'SWAPPING'
  | 'EXECUTION_SUPERSEDED';

/**
 * What to do next: write, where a write that is refused means that somebody else was faster, so that one reads and decides
 * again; nothing, because the step's end state is there; or nothing, because it must not be done.
 */
export type Decision =
  | { readonly kind: 'write'; readonly writes: readonly OperationWrite[]; readonly operation: Operation }
  | { readonly kind: 'done'; readonly operation: Operation }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

/** What a transition is decided on. */
export interface OperationFacts {
  readonly operation: Operation;
  /** The item of the topic's lock, and of the topic in the registry; undefined where there is none. */
  readonly lock: Document | undefined;
  readonly topicItem: Document | undefined;
  readonly now: Date;
}
