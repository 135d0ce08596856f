import { LeanOpsError } from '../core/errors';
import { lockKeyOf, readOperation, type Operation } from '../core/operations/operation';
import { requestWrites } from '../core/operations/operation-writes';
import type { Decision, OperationFacts, OperationWrite, RefusalCode } from '../core/operations/transitions';
import type { DocumentStore, TransactionWrite } from './documents';

/** The names of the DynamoDB tables that operations are decided on. */
export interface OperationTables {
  readonly operations: string;
  readonly registry: string;
}

/** How often a decision is made anew because somebody else wrote in between. */
const MAX_RACES = 20;

/** A step of an operation that must not be done. Trying again does not help. */
export class OperationRefusedError extends LeanOpsError {
  override readonly name = 'OperationRefusedError';

  constructor(
    override readonly code: RefusalCode,
    message: string,
    operationId: string,
  ) {
    super(code, `${code}: ${message}`, { data: { operation_id: operationId } });
  }
}

/**
 * Takes the topic's lock and puts the operation there, both or none. False when another operation has the lock, or this one is
 * there already.
 *
 * @param also writes that are made with it or not at all
 */
export function requestOperation(
  documents: DocumentStore,
  tables: OperationTables,
  operation: Operation,
  also: readonly OperationWrite[] = [],
): Promise<boolean> {
  return documents.transact([...requestWrites(operation), ...also].map((write) => transactionWrite(tables, write)));
}

/** Reads an operation; undefined when there is none of that id, or it is of a kind that this version does not know. */
export async function getOperation(
  documents: DocumentStore,
  tables: OperationTables,
  operationId: string,
): Promise<Operation | undefined> {
  return readOperation(await documents.get(tables.operations, { operation_id: operationId }));
}

/** Reads what the transitions of an operation are decided on; undefined when there is no such operation. */
export async function readOperationFacts(
  documents: DocumentStore,
  tables: OperationTables,
  operationId: string,
  now: Date,
): Promise<OperationFacts | undefined> {
  const operation = await getOperation(documents, tables, operationId);
  if (operation === undefined) return undefined;
  const [lock, topicItem] = await Promise.all([
    documents.get(tables.operations, lockKeyOf(operation.topic)),
    documents.get(tables.registry, { topic_name: operation.topic }),
  ]);
  return { operation, lock, topicItem, now };
}

/**
 * Takes an operation one step on: reads, decides, and writes what was decided in one transaction. When somebody else was faster,
 * it reads and decides again. It is safe to repeat, and for any number of callers at once.
 *
 * @throws LeanOpsError OPERATION_UNKNOWN when there is no such operation
 * @throws OperationRefusedError when the step must not be done
 * @throws LeanOpsError OPERATION_CONTENDED when others were faster too often; a later try may do it
 */
export async function advanceOperation(
  documents: DocumentStore,
  tables: OperationTables,
  operationId: string,
  now: () => Date,
  decide: (facts: OperationFacts) => Decision,
): Promise<Operation> {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const facts = await readOperationFacts(documents, tables, operationId, now());
    if (facts === undefined) {
      throw new LeanOpsError('OPERATION_UNKNOWN', `there is no operation ${operationId} in ${tables.operations}`);
    }
    const decision = decide(facts);
    if (decision.kind === 'done') return decision.operation;
    if (decision.kind === 'refused') throw new OperationRefusedError(decision.code, decision.message, operationId);
    if (await documents.transact(decision.writes.map((write) => transactionWrite(tables, write)))) {
      return decision.operation;
    }
  }
  throw new LeanOpsError('OPERATION_CONTENDED', `others kept changing what ${operationId} is decided on`);
}

function transactionWrite(tables: OperationTables, write: OperationWrite): TransactionWrite {
  const table = tables[write.table];
  switch (write.op) {
    case 'put':
      return { op: 'put', table, document: write.document, condition: write.condition };
    case 'update':
      return {
        op: 'update',
        table,
        key: write.key,
        changes: { set: write.set, remove: write.remove },
        condition: write.condition,
      };
    case 'delete':
      return { op: 'delete', table, key: write.key, condition: write.condition };
  }
}
