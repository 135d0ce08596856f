/** A pipeline in memory whose operations run as in AWS: by the same transitions, a step whenever time passes. */
import {
  advanceOperation,
  executionArnOf,
  OperationRefusedError,
  type Clock,
  type DocumentStore,
  type OperationTables,
} from '@lean-ops/common/aws';
import {
  beginOperation,
  finishOperation,
  isDrained,
  markDrained,
  readCycleLease,
  readOperation,
  type Decision,
  type Document,
  type Operation,
  type OperationFacts,
} from '@lean-ops/common/core';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import type { Operator } from '../../src/pipeline/operator';
import { OPERATIONS_OUTPUTS, workspace } from '../workspace';

export const NOW = Date.parse('2026-11-30T06:25:00Z');
export const TOPIC = 'telemetry.climate';
export const REGISTRY = OPERATIONS_OUTPUTS.schema_registry_table;
export const CHECKPOINTS = OPERATIONS_OUTPUTS.checkpoint_table;
export const OPERATIONS = OPERATIONS_OUTPUTS.operations_table;
export const MACHINE = OPERATIONS_OUTPUTS.operation_state_machine_arn;
export const ADA = 'arn:aws:sts::123456789012:assumed-role/operators/ada';
const TABLES: OperationTables = { operations: OPERATIONS, registry: REGISTRY };

/** An item of the registry; a test names only what it varies. */
export const registered = (changes: Document = {}): Document => ({
  topic_name: TOPIC,
  table_name: 'telemetry_climate',
  status: 'READY',
  processing_enabled: true,
  epoch: 3,
  ...changes,
});

/** A topic that an operation holds. */
export const heldItem = (hold: Document = {}, changes: Document = {}): Document =>
  registered({
    status: 'MAINTENANCE',
    epoch: 4,
    hold: {
      operation_id: '20261130T060000Z-hold-0000aa',
      by: ADA,
      reason: 'repair',
      since: '2026-11-30T06:00:00.000Z',
      status_before: 'READY',
      ...hold,
    },
    ...changes,
  });

/** What the job of a compaction counts. */
const COMPACTED = {
  epoch: 4,
  files_before: 120,
  bytes_before: 35_000_000,
  snapshots_before: 130,
  files_after: 5,
  bytes_after: 33_000_000,
  snapshots_after: 101,
};

/** What the job of a rewind counts besides. */
const REWOUND = { layers: { curated: { rows_before: 30, rows_after: 10, schema_before: 1 } } };

const fileOf = (table: string): string => `s3://acme-lake/warehouse/${table}/metadata/1.metadata.json`;

/** The metadata of a table with one snapshot. */
export const tableMetadata = (summary: Readonly<Record<string, string>>): object => ({
  'format-version': 2,
  'current-snapshot-id': 1,
  snapshots: [{ 'snapshot-id': 1, summary: { operation: 'append', ...summary } }],
});

interface Execution {
  status: string;
  next: 'Begin' | 'Drained' | 'Run' | 'Finish' | 'Cancel';
  readonly operationId: string;
}

/** What the state machine gives its function. */
export interface StepEvent {
  readonly action: 'begin' | 'drained' | 'cancel' | 'finish';
  readonly operation_id: string;
  readonly execution_arn?: string;
  readonly outcome?: 'SUCCEEDED' | 'FAILED';
  readonly error?: string;
}
type Perform = (event: StepEvent) => Promise<object>;

export interface MemoryOptions {
  readonly items?: readonly Document[];
  /** The metadata of tables, by database and name: `acme_curated.telemetry_climate`. */
  readonly tables?: Readonly<Record<string, object | string>>;
  /** The rows that Athena answers. */
  readonly ledger?: readonly (readonly (string | null)[])[];
  /** The rows that the table of operations has of rebuilds: their plans, and the seconds that they took. */
  readonly rebuilds?: readonly (readonly (string | null)[])[];
  /** The rows that cycle_delta has of the topic: cycles with their numbers of messages. */
  readonly delta?: readonly (readonly (string | null)[])[];
  /** Answers a query; undefined for one that others answer. */
  readonly answer?: (sql: string) => readonly (readonly (string | null)[])[] | undefined;
  /** What the job of a replay counts. */
  readonly replayed?: Document;
  /** Takes part when the Glue job runs: throws to let the execution fail. */
  readonly job?: (operation: Operation) => void;
  readonly caller?: string;
  /** The function of the state machine; by default one over the same transitions. */
  readonly perform?: (of: { readonly documents: DocumentStore; readonly clock: Clock }) => Perform;
}

export function memoryOperations({
  items = [registered()],
  ledger = [],
  rebuilds = [],
  delta = [],
  tables = {},
  answer,
  replayed = {},
  job,
  caller = ADA,
  perform: given,
}: MemoryOptions = {}) {
  const documents = memoryDocuments({
    [REGISTRY]: ['topic_name'],
    [CHECKPOINTS]: ['topic_name', 'layer'],
    [OPERATIONS]: ['operation_id'],
  });
  documents.seed(REGISTRY, ...items);
  const clock = fakeClock(NOW);
  const executions = new Map<string, Execution>();
  const queries: string[] = [];

  const advance = (id: string, decide: (facts: OperationFacts) => Decision): Promise<Operation> =>
    advanceOperation(documents, TABLES, id, () => new Date(clock.now()), decide);

  const own: Perform = async (event) => {
    const { operation_id: id, execution_arn: executionArn = '' } = event;
    switch (event.action) {
      case 'begin':
        await advance(id, (facts) => beginOperation(facts, executionArn));
        return {};
      case 'drained': {
        const operation = readOperation(await documents.get(OPERATIONS, { operation_id: id }));
        const topicItem = await documents.get(REGISTRY, { topic_name: operation?.topic ?? '' });
        const lease = readCycleLease(await documents.get(CHECKPOINTS, { topic_name: '*', layer: 'lease' }));
        const over = operation && isDrained(operation, topicItem, lease, new Date(clock.now()));
        if (operation?.step === 'BEGUN' && !over) return { drained: false };
        await advance(id, markDrained);
        return { drained: true };
      }
      case 'cancel':
        await advance(id, (facts) => finishOperation(facts, { outcome: 'CANCELLED' }));
        return {};
      case 'finish': {
        const { outcome = 'SUCCEEDED', error = '' } = event;
        await advance(id, (facts) =>
          finishOperation(facts, outcome === 'SUCCEEDED' ? { outcome } : { outcome, error, executionArn }),
        );
        return {};
      }
    }
  };
  const perform = given?.({ documents, clock }) ?? own;

  /** What the state machine does with a rebuild before its topic is held. */
  async function build(operation_id: string): Promise<void> {
    const operation = readOperation(await documents.get(OPERATIONS, { operation_id }));
    if (operation?.step !== 'BUILDING') return;
    await documents.update(OPERATIONS, { operation_id }, { set: { step: 'BUILT' } });
    await perform({ action: 'begin', operation_id, execution_arn: operation.executionArn ?? '' });
  }

  /** Lets an execution enter its next state, as the state machine of operations does. */
  async function step(arn: string, execution: Execution): Promise<void> {
    const { operationId: operation_id } = execution;
    switch (execution.next) {
      case 'Begin':
        await perform({ action: 'begin', operation_id, execution_arn: arn });
        await build(operation_id);
        execution.next = 'Drained';
        return;
      case 'Drained': {
        const { drained } = (await perform({ action: 'drained', operation_id })) as { drained?: boolean };
        if (drained === true) execution.next = 'Run';
        return;
      }
      case 'Run': {
        const operation = readOperation(await documents.get(OPERATIONS, { operation_id }));
        if (operation?.step === 'DRAINED') {
          job?.(operation);
          const counts =
            operation.kind === 'compact'
              ? COMPACTED
              : operation.kind === 'replay'
                ? replayed
                : { cycles_waiting: 2, messages_waiting: 7, ...(operation.kind === 'rewind' && REWOUND) };
          await documents.update(OPERATIONS, { operation_id }, { set: { step: 'APPLIED', counts } });
        }
        execution.next = 'Finish';
        return;
      }
      case 'Finish':
        await perform({ action: 'finish', operation_id, outcome: 'SUCCEEDED' });
        execution.status = 'SUCCEEDED';
        return;
      case 'Cancel':
        await perform({ action: 'cancel', operation_id });
        execution.status = 'SUCCEEDED';
    }
  }

  async function fail(arn: string, execution: Execution, error: string): Promise<void> {
    execution.status = 'FAILED';
    const { operationId: operation_id } = execution;
    try {
      await perform({ action: 'finish', operation_id, outcome: 'FAILED', execution_arn: arn, error });
    } catch (refused) {
      if (!(refused instanceof OperationRefusedError)) throw refused;
    }
  }

  /** Lets every execution that runs do its next step. */
  async function tick(): Promise<void> {
    for (const [arn, execution] of executions) {
      if (execution.status !== 'RUNNING') continue;
      try {
        await step(arn, execution);
      } catch (error) {
        await fail(arn, execution, error instanceof Error ? error.message : String(error));
      }
    }
  }

  const operator: Operator = {
    documents,
    objects: memoryObjects(
      Object.fromEntries(
        Object.entries(tables).map(([name, content]) => [
          fileOf(name),
          typeof content === 'string' ? content : JSON.stringify(content),
        ]),
      ),
    ),
    catalog: {
      getTable: (database, table) => {
        const name = `${database}.${table}`;
        return Promise.resolve(name in tables ? { metadataLocation: fileOf(name), columns: [] } : undefined);
      },
    },
    tables: {
      metadataLocations: (database) => {
        const own = Object.keys(tables).filter((name) => name.startsWith(`${database}.`));
        return Promise.resolve(new Map(own.map((name) => [name.slice(database.length + 1), fileOf(name)])));
      },
    },
    athena: {
      execute: () => Promise.reject(new Error('nothing is written by Athena')),
      query: (sql) => {
        queries.push(sql);
        const rows =
          answer?.(sql) ?? (sql.includes('"cycle_delta"') ? delta : sql.includes('"operations"') ? rebuilds : ledger);
        return Promise.resolve({ columns: [], rows });
      },
    },
    clock: {
      now: () => clock.now(),
      sleep: async (milliseconds) => {
        await clock.sleep(milliseconds);
        await tick();
      },
    },
    machine: {
      start(name, input) {
        const arn = executionArnOf(MACHINE, name);
        const { operation_id: operationId, action } = input as { operation_id: string; action?: string };
        if (!executions.has(arn))
          executions.set(arn, { status: 'RUNNING', operationId, next: action === 'cancel' ? 'Cancel' : 'Begin' });
        return Promise.resolve(arn);
      },
      describe(arn) {
        const execution = executions.get(arn);
        return Promise.resolve(execution && { status: execution.status, error: '', cause: '' });
      },
      stop(arn) {
        const execution = executions.get(arn);
        if (execution?.status === 'RUNNING') execution.status = 'ABORTED';
        return Promise.resolve();
      },
    },
    caller: () => Promise.resolve(caller),
    hex: () => String(documents.documents.size).padStart(6, 'a'),
  };
  const files = workspace(
    () => operator,
    undefined,
    () => operator,
  );
  files.write('lean-ops.json', OPERATIONS_OUTPUTS);
  return {
    ...files,
    operator,
    documents,
    clock,
    executions,
    queries,
    tick,
    seed: (table: string, ...seeded: readonly Document[]) => documents.seed(table, ...seeded),
    registryItem: () => documents.get(REGISTRY, { topic_name: TOPIC }),
    operations: async (): Promise<Document[]> =>
      (await documents.scan(OPERATIONS)).filter(({ kind }) => kind !== undefined),
    locks: async (): Promise<Document[]> =>
      (await documents.scan(OPERATIONS)).filter(({ holder }) => holder !== undefined),
  };
}
