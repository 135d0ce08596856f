import type { FiringAlarm, QueueDepth } from '@lean-ops/common/aws';
import type { Freshness, HeldTopic, RewindProposal, UnbalancedTopic } from '@lean-ops/common/core';
import type { CountedLetters } from '../dead-letters/read-letters';
import type { SchemaState } from '../schemas/schema-state';
import type { Reading } from './reading';

/** A run of the state machine. Times are epoch milliseconds. */
export interface Cycle {
  readonly status: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** Why it did not succeed, in one line; undefined when it did, or still runs. */
  readonly cause: string | undefined;
}

/** How far the topics are. */
export interface TopicProgress {
  readonly topics: number;
  readonly freshness: Freshness;
  readonly unbalanced: readonly UnbalancedTopic[];
  readonly held: readonly HeldTopic[];
  readonly proposals: readonly RewindProposal[];
}

export interface ParseErrorCount {
  readonly code: string;
  readonly count: number;
  readonly topics: number;
}

export interface IngestQueue extends QueueDepth {
  /** Seconds; undefined when CloudWatch has no value for the last minutes. */
  readonly oldestSeconds: number | undefined;
}

/** Everything that the status looks at, part by part. */
export interface Readings {
  readonly now: number;
  readonly namePrefix: string;
  readonly region: string;
  readonly defaultTargetMinutes: number;
  readonly alarms: Reading<readonly FiringAlarm[]>;
  /** The newest first. */
  readonly cycles: Reading<readonly Cycle[]>;
  readonly progress: Reading<TopicProgress>;
  readonly letters: Reading<CountedLetters>;
  readonly parseErrors: Reading<readonly ParseErrorCount[]>;
  readonly schemas: Reading<readonly SchemaState[]>;
  readonly ingest: Reading<IngestQueue>;
}
