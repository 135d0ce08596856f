/** The replay of errors that a schema asks for as it becomes active, with `x-replay-errors`. */
import type { Document } from '../condition';
import type { TopicName } from '../topic';
import { hexOf, newOperation } from './new-operation';
import { operationIdOf, type Operation } from './operation';

/** A schema that has become active, and what it mends. */
export interface MendingSchema {
  readonly topic: TopicName;
  readonly tableName: string;
  readonly version: number;
  /** The upload that brought it: when, and its sequencer. */
  readonly at: Date;
  readonly sequencer: string;
  /** The causes in Curated of which some errors are valid now, as signatureOf writes them. */
  readonly signatures: readonly string[];
  /** How many errors that are. */
  readonly valid: number;
  /** Only errors that were found until then. */
  readonly until: Date;
}

/** The id of the replay that a schema asks for. It is the same whenever it is asked for, so that it is asked for once. */
export function replayIdOf({ topic, at, sequencer }: Pick<MendingSchema, 'topic' | 'at' | 'sequencer'>): string {
  return operationIdOf(at, 'replay', hexOf(`${topic} ${sequencer}`));
}

/**
 * The operation. Its plan has no epoch and no numbers of rows that have to be the same when it begins: nobody has looked at a
 * plan, and what was found meanwhile is to be replayed too.
 */
export function replayForSchema(asked: MendingSchema, now: Date): Operation {
  const { topic, version, sequencer } = asked;
  return newOperation(
    {
      operationId: replayIdOf(asked),
      kind: 'replay',
      topic,
      requestedBy: `schema version ${version}, upload ${sequencer}`,
      reason: `version ${version} of the schema has x-replay-errors`,
      plan: planOf(asked),
    },
    now,
  );
}

function planOf({ topic, tableName, version, signatures, valid, until }: MendingSchema): Document {
  return {
    topic,
    table_name: tableName,
    causes: signatures.map((signature) => ({ layer: 'curated', signature })),
    until: until.toISOString(),
    schema_version: version,
    valid,
  };
}
