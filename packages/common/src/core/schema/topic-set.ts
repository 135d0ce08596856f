import type { SchemaProblem } from '../problem';
import { tableNameOf, type TopicName } from '../topic';

/** A schema file among others, with the topic that it states. */
export interface TopicFile {
  readonly file: string;
  /** The topic's folder. Files in one folder (pending, active) belong to one topic. */
  readonly folder: string;
  readonly topic: TopicName;
}

/** A file that cannot be registered beside an earlier one. */
export interface TopicClash {
  readonly file: string;
  readonly problem: SchemaProblem;
}

/**
 * Finds files that cannot all be registered: of one topic in two folders, or of topics that share a table. The first
 * file of each clash is not listed.
 */
export function topicClashes(files: readonly TopicFile[]): TopicClash[] {
  const owners = new Map<string, TopicFile>();
  const clashes: TopicClash[] = [];
  for (const candidate of files) {
    const table = tableNameOf(candidate.topic);
    const owner = owners.get(table);
    if (owner === undefined) {
      owners.set(table, candidate);
    } else if (owner.topic !== candidate.topic || owner.folder !== candidate.folder) {
      clashes.push({ file: candidate.file, problem: clash(owner, candidate.topic, table) });
    }
  }
  return clashes;
}

function clash(owner: TopicFile, topic: TopicName, table: string): SchemaProblem {
  return owner.topic === topic
    ? {
        code: 'TOPIC_TWICE',
        path: '/x-topic',
        message: `the topic ${topic} already has a schema: ${owner.file}`,
        hint: 'keep one of the two files, in the folder of the topic',
      }
    : {
        code: 'TOPIC_COLLISION',
        path: '/x-topic',
        message: `the table ${table} belongs to the topic ${owner.topic} (${owner.file})`,
        hint: "rename this topic: '.', '-' and '_' all become '_' in a table name",
      };
}
