/**
 * The words by which every table and report names what became of messages. The pages use the same: docs/glossary.md,
 * docs/data-contracts.md#ledger.
 */
import type { Column } from './table';

export const COUNT_COLUMNS = {
  topic: { heading: 'topic', kind: 'text' },
  /** Messages that the ingest queue accepted. */
  received: { heading: 'received', kind: 'count' },
  /** Rows of RAW. */
  raw: { heading: 'RAW', kind: 'count' },
  /** Dead letters. */
  dlq: { heading: 'DLQ', kind: 'count', alert: 'error' },
  /** Rows of the topic's table of Standardized, or rows that a cycle wrote there. */
  standardized: { heading: 'Standardized', short: 'Std.', kind: 'count' },
  duplicates: { heading: 'duplicates', short: 'dup.', kind: 'count' },
  superseded: { heading: 'superseded', short: 'sup.', kind: 'count' },
  parseErrors: { heading: 'parse errors', kind: 'count', alert: 'warning' },
  /** Columns that Standardized added to the topic's table. */
  newColumns: { heading: 'new columns', kind: 'count' },
  /** Rows in which a value without a column went to rescued_data. */
  rescued: { heading: 'rescued', kind: 'count' },
  /** Rows that were validated by the topic's schema. */
  validated: { heading: 'validated', kind: 'count' },
  /** Rows of the topic's table of Curated, or rows that a cycle wrote there. */
  curated: { heading: 'Curated', kind: 'count' },
  rejected: { heading: 'rejected', kind: 'count', alert: 'warning' },
  /** Rows that came into Curated with NULL for a value that broke a rule. */
  nulled: { heading: 'nulled', kind: 'count' },
  /** Rows that came into Curated with all their values, though they broke a rule about more than one of them. */
  noted: { heading: 'noted', kind: 'count' },
  /** Topics or schemas that failed. */
  failed: { heading: 'failed', kind: 'count', alert: 'error' },
} as const satisfies Readonly<Record<string, Column>>;
