import { describe, expect, it } from '@jest/globals';
import type { TopicName } from '../../../src/core/topic';
import { topicClashes } from '../../../src/core/schema/topic-set';

const at = (folder: string, topic = folder, name = 'schema.json') => ({
  file: `schemas/${folder}/${name}`,
  folder: `schemas/${folder}`,
  topic: topic as TopicName,
});
const clashesOf = (...files: ReturnType<typeof at>[]) =>
  topicClashes(files).map(({ file, problem }) => `${problem.code} ${file}`);

describe('topicClashes', () => {
  it('has nothing against topics with tables of their own', () => {
    expect(clashesOf(at('a.b'), at('a.c'), at('ab'))).toEqual([]);
  });

  it('refuses every topic but the first of those that share a table', () => {
    expect(clashesOf(at('a-b'), at('a.b'), at('a_b'))).toEqual([
      'TOPIC_COLLISION schemas/a.b/schema.json',
      'TOPIC_COLLISION schemas/a_b/schema.json',
    ]);
  });

  it('refuses one topic in two folders, and takes its pending and active file for one', () => {
    const files = [at('a', 'a', 'active/schema.json'), at('a', 'a', 'pending/schema.json'), at('copy', 'a')];
    expect(clashesOf(...files)).toEqual(['TOPIC_TWICE schemas/copy/schema.json']);
  });
});
