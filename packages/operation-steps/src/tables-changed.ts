import { isObject, tableNameOf, type DocumentValue, type Operation } from '@lean-ops/common/core';

/** The kinds after which readers find other rows or columns than they would by cycles alone. */
const CHANGING: ReadonlySet<Operation['kind']> = new Set(['rewind', 'undo', 'rebuild', 'forget']);

/** The detail of the event `Topic tables changed`. docs/data-contracts.md has its members. It has no values of the tables. */
export interface TablesChanged {
  readonly operation_id: string;
  readonly kind: string;
  readonly topic: string;
  /** The name of the topic's tables, which is the same in each layer. */
  readonly table_name: string;
  readonly requested_at: string;
  readonly ended_at: string;
  /** By layer what was done, as the operation has counted it: ids of snapshots and schemas, and numbers of rows. */
  readonly layers: Readonly<Record<string, DocumentValue>>;
}

/** What readers are told of an operation that has succeeded; undefined where nothing changed for them. */
export function tablesChanged(operation: Operation): TablesChanged | undefined {
  const { operationId, kind, topic, plan, counts, requestedAt, endedAt, updatedAt } = operation;
  if (!CHANGING.has(kind)) return undefined;
  const { table_name: given } = plan;
  const { layers } = counts;
  return {
    operation_id: operationId,
    kind,
    topic,
    table_name: typeof given === 'string' ? given : tableNameOf(topic),
    requested_at: requestedAt,
    ended_at: endedAt ?? updatedAt,
    layers: isObject(layers) ? layers : {},
  };
}
