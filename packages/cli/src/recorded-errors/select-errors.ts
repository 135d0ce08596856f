/** Which errors a replay is about: those that somebody names, all of one topic. */
import {
  isTopicName,
  readSelection,
  selectionStatement,
  type ErrorSelection,
  type SelectedCause,
  type TopicName,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import { lakeReader } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';

/** The open errors that were named, by cause. */
export interface SelectedErrors {
  /** undefined where no topic was given, and nothing is open. */
  readonly topic: TopicName | undefined;
  readonly causes: readonly SelectedCause[];
}

/**
 * Finds the open rows that are selected, by one query.
 *
 * @throws CliError where they are of several topics, or of none that can be one
 */
export async function selectErrors(
  selection: ErrorSelection,
  deployment: Deployment,
  cloud: Pick<Cloud, 'athena' | 'catalog'>,
): Promise<SelectedErrors> {
  const { rows } = await lakeReader(cloud, deployment).query(selectionStatement(deployment.lake, selection));
  const causes = readSelection(rows);
  if (selection.topic !== undefined) return { topic: selection.topic, causes };
  const topics = [...new Set(causes.map(({ topic }) => topic))].sort();
  if (topics.length > 1) {
    throw new CliError(
      `these errors are of ${topics.length} topics, and a replay is of one: ${topics.map((topic) => fingerprintsOf(topic, causes)).join('; ')}. ` +
        'Replay them one topic after another.',
    );
  }
  const [topic] = topics;
  if (topic !== undefined && !isTopicName(topic)) {
    throw new CliError(`${JSON.stringify(topic)} is no topic, so none of its messages can come into a table.`);
  }
  return { topic, causes };
}

function fingerprintsOf(topic: string, causes: readonly SelectedCause[]): string {
  const own = causes.filter((cause) => cause.topic === topic).map(({ fingerprint }) => fingerprint);
  return `${topic} (${own.slice(0, 3).join(', ')}${own.length > 3 ? ', …' : ''})`;
}
