import { isTopicName } from '../topic';

/** Characters of a topic's name. */
const MAX_TOPIC = 128;
/** Endings that say what a file is, and not what it is about. */
const ENDINGS = /(?:[._-]?(?:json|schema|avsc))+$/i;

/**
 * The topic that a schema file's path suggests: the name of the file, or of its folder where it is called `schema.json`, in the letters
 * of topics.
 */
export function topicOfFile(file: string): string {
  const [name = '', ...folders] = file.split(/[\\/]/).reverse();
  const subject = [name, ...folders].map((part) => part.replace(ENDINGS, '')).find((part) => part !== '') ?? '';
  const legal = subject
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, MAX_TOPIC)
    .replace(/[._-]+$/, '');
  return isTopicName(legal) ? legal : 'topic';
}
